// The IP families of a Service before it gets addresses: what this server can't give is refused.
// Pure. Upstream: initIPFamilyFields of pkg/registry/core/service/storage/alloc.go, for a server of
// one family, IPv4.
#pragma once
#include "apiserver/registry/field_error.h"
#include "object/object.h"

namespace tiphys::apiserver {

// old: null at creation.
void prepare_service_families(Draft& service, const Object* old, FieldErrors& errors);

}  // namespace tiphys::apiserver
