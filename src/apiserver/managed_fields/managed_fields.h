// ManagedFields: who set which field, as server-side apply keeps it in metadata.managedFields.
// Pure. Upstream: apimachinery/pkg/util/managedfields and structured-merge-diff.
#pragma once
#include <string>

#include "apiserver/managed_fields/managers.h"
#include "base/time.h"
#include "object/object.h"
#include "schema/resource.h"

namespace tiphys::apiserver {

// A write that is no apply: `object` is the new state, `live` the current one (null: creation);
// sets object's managedFields. If the client cleared them, they stay cleared.
void track_update(const schema::Resource& resource, std::string_view subresource,
                  const Object* live, Draft& object, std::string_view manager, MicroTime now);

// An update that changes nothing but times of managedFields keeps those of `old`.
void keep_entry_times(Draft& object, const Object& old);

// The entry of such a write, without fields yet. Times of entries are whole seconds.
ManagerEntry update_entry(const schema::Resource& resource, std::string_view subresource,
                          std::string_view manager, MicroTime now);

}  // namespace tiphys::apiserver
