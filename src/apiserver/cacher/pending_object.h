// PendingObject: an object on its way into the store, whose resourceVersion is not yet known.
//
// The registry encodes the draft (without resourceVersion) for Put::value and hands this along as
// Put::attachment. Whoever learns the transaction's revision first, the watch cache or the
// registry, stamps it: resourceVersion is set and the tree is frozen, once. Both hold the same
// Object from then on, so a write costs one freeze and no decoding.
//
//   auto pending = std::make_shared<const PendingObject>(std::move(draft));
//   txn.puts.push_back({.key = key, .value = bytes, .attachment = pending});
//   ... auto result = co_await store.txn(std::move(txn)); ...
//   ObjectPtr reply = pending->stamp(result->revision);
//
// Every attachment that the API server puts into a store is one of these. Loop thread only.
#pragma once
#include <optional>

#include "object/object.h"
#include "storage/store.h"

namespace tiphys::apiserver {

class PendingObject {
 public:
  explicit PendingObject(Draft draft) : draft_(std::move(draft)) {}
  // The object at this revision. The first call freezes it and drops the draft; later calls with
  // the same revision return the same object (with another one: a copy stamped with that).
  ObjectPtr stamp(storage::Revision revision) const;

 private:
  mutable std::optional<Draft> draft_;
  mutable ObjectPtr object_;
  mutable storage::Revision revision_ = 0;
};

// Sets metadata.resourceVersion (0: clears it). Types without metadata are left alone.
void set_resource_version(Draft& draft, storage::Revision revision);
// A copy of the object with another resourceVersion.
ObjectPtr with_resource_version(const Object& object, storage::Revision revision);

}  // namespace tiphys::apiserver
