// The IP families of a Service before it gets addresses: what an update keeps, what follows from
// policy and addresses, and what this server can't give is refused. Pure.
// Upstream: patchAllocatedValues and normalizeClusterIPs of
// pkg/registry/core/service/storage/storage.go, initIPFamilyFields of .../alloc.go.
#pragma once
#include <span>

#include "apiserver/registry/field_error.h"
#include "object/object.h"

namespace tiphys::apiserver {

// old: null at creation. families: those of the server's ranges, the default one first. Afterwards,
// without errors, the service has its policy and families; addresses that are still missing are
// those at the end of clusterIPs.
void prepare_service_families(Draft& service, const Object* old,
                              std::span<const std::string_view> families, FieldErrors& errors);

}  // namespace tiphys::apiserver
