// What a write may touch: status only through its subresource, the rest never through it; and
// metadata.generation, which counts changes of the rest. Pure. Upstream: each kind's strategy.
#pragma once
#include <span>
#include <string_view>

#include "object/object.h"
#include "schema/resource.h"

namespace tiphys::apiserver {

// The fields of metadata that a write of the status leaves as they are, beyond what no write may
// change.
std::span<const std::string_view> metadata_kept_by_status(const schema::Resource& resource);

// At creation: status is dropped (kinds with a status subresource), generation set.
void prepare_new_object(const schema::Resource& resource, Draft& object);
// At an update of the object or of its status; both of the stored type.
void prepare_changed_object(const schema::Resource& resource, std::string_view subresource,
                            Draft& object, const Object& old);

}  // namespace tiphys::apiserver
