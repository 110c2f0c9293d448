// How much of a device's capacity a claim may ask for: request policies (KEP-5075). Pure.
#pragma once
#include "apiserver/registry/field_error.h"
#include "kinds/resource_v1.h"

namespace tiphys::apiserver {

// path: of the policy.
void check_request_policy(resource_v1::DeviceCapacity capacity, const FieldPath& path,
                          FieldErrors& errors);

}  // namespace tiphys::apiserver
