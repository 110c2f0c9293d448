// Defaults of a decoded object: the schema's default markers, then what a kind's own rules add
// (registry/strategies). Idempotent; applied after decoding and after mutating admission. Pure.
#pragma once
#include "object/object.h"
#include "schema/resource.h"

namespace tiphys::apiserver {

// The default markers of the schema only.
void apply_schema_defaults(Draft& object);
// All defaults of an object of this resource.
void apply_defaults(const schema::Resource& resource, Draft& object);

}  // namespace tiphys::apiserver
