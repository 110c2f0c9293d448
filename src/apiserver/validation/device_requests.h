// References to the requests of a claim of devices: "request" or "request/subrequest". Pure.
#pragma once
#include "apiserver/registry/field_error.h"
#include "kinds/resource_v1.h"

namespace tiphys::apiserver {

void check_request_reference(resource_v1::DeviceClaim claim, std::string_view reference,
                             const FieldPath& path, FieldErrors& errors);
// A set of them, of limited size.
void check_request_references(resource_v1::DeviceClaim claim,
                              const ListView<std::string_view>& references, const FieldPath& path,
                              FieldErrors& errors);

}  // namespace tiphys::apiserver
