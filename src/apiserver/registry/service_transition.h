// What an update of a Service keeps of the old one. Pure. Upstream: patchAllocatedValues in
// pkg/registry/core/service/storage/storage.go, dropTypeDependentFields in .../service/strategy.go.
#pragma once
#include "object/object.h"

namespace tiphys::apiserver {

// Node ports that the client left out are those of before: by the names of ports, as far as no
// other port has them now; and the port of health checks.
void keep_allocated_ports(Draft& service, const Object& old);

// A Service that changes its type loses what belonged to the old type, unless the client set it
// anew.
void drop_stale_service_fields(Draft& service, const Object& old);

}  // namespace tiphys::apiserver
