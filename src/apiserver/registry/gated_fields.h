// Fields behind feature gates that are off by default at v1.35: a write that sets them loses them,
// unless the stored object uses the feature already. Upstream: dropDisabledFields of strategies,
// pkg/api/pod/util.go. Pure.
#pragma once
#include "object/object.h"
#include "schema/resource.h"

namespace tiphys::apiserver {

// old: null at creation. Both are of the stored type.
void drop_gated_fields(const schema::Resource& resource, Draft& object, const Object* old);

}  // namespace tiphys::apiserver
