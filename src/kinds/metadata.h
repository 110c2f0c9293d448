// What every kind has: the metadata of any object, whatever its type. Pure; views into the object.
#pragma once
#include <string>
#include <string_view>

#include "kinds/meta_v1.h"
#include "object/object.h"

namespace tiphys {

// The object's ObjectMeta; the empty view for lists and types without one.
meta_v1::ObjectMeta metadata(const Object& object);
// An editor of the draft's ObjectMeta, created if absent. Requires: the type has an ObjectMeta.
meta_v1::ObjectMetaEdit edit_metadata(Draft& draft);

inline std::string_view name_of(const Object& object) { return metadata(object).name(); }
inline std::string_view namespace_of(const Object& object) { return metadata(object).namespace_(); }
inline std::string_view uid_of(const Object& object) { return metadata(object).uid(); }
inline std::string_view resource_version_of(const Object& object) {
  return metadata(object).resource_version();
}
inline bool is_deleting(const Object& object) { return metadata(object).has_deletion_timestamp(); }
// "namespace/name", or "name" for cluster-scoped objects.
std::string key_of(const Object& object);
bool has_finalizer(const Object& object, std::string_view finalizer);

// The owner reference with controller: true; the empty view if there is none.
meta_v1::OwnerReference controller_of(const meta_v1::ObjectMeta& meta);
bool is_controlled_by(const Object& object, std::string_view owner_uid);
// Appends an owner reference to `owner` with controller and blockOwnerDeletion set.
void set_controller(Draft& draft, const Object& owner);

}  // namespace tiphys
