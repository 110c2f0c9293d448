// What decisions depend on besides pods, and how a snapshot learns of it: from informers
// (ClusterView) or from lists (explain_placement). One thread.
#pragma once
#include <span>

#include "scheduler/snapshot.h"
#include "schema/resource.h"

namespace tiphys::scheduler {

// One kind of object that decisions depend on.
struct SnapshotFeed {
  const schema::Resource* resource;
  // An object came (old is null), changed, or is gone (now is null).
  void (*apply)(Snapshot& snapshot, const ObjectPtr& old, const ObjectPtr& now);
};
std::span<const SnapshotFeed> snapshot_feeds();

}  // namespace tiphys::scheduler
