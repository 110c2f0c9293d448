// The form an object has once it went through the store: protobuf knows no empty lists and maps, so
// they are absent. Done before the first answer, so that every reader sees the same. Pure.
#pragma once
#include <span>
#include "apiserver/cacher/pending_object.h"

#include "object/object.h"
#include "schema/resource.h"
#include "storage/store.h"

namespace tiphys::apiserver {

void make_storable(Draft& object);
// Whether two trees of a type have the same storable form, but for members named in `aside`.
bool same_stored(const schema::Message& type, const Node& a, const Node& b,
                 std::span<const std::string_view> aside = {});

// What puts an object (made storable) into the store: its bytes, and the object itself for the
// watch cache.
struct ObjectPut {
  storage::Put put;
  std::shared_ptr<const PendingObject> pending;
};
ObjectPut make_put(const schema::Resource& resource, std::string key, Draft object);

}  // namespace tiphys::apiserver
