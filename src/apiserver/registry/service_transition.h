// A Service that changes its type loses what belonged to the old type, unless the client set it
// anew. Upstream: dropTypeDependentFields in pkg/registry/core/service/strategy.go. Pure.
#pragma once
#include "object/object.h"

namespace tiphys::apiserver {

void drop_stale_service_fields(Draft& service, const Object& old);

}  // namespace tiphys::apiserver
