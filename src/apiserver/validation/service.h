// Validation of Services, ConfigMaps and Secrets (pkg/apis/core/validation upstream, v1.35). Pure.
#pragma once
#include "apiserver/registry/field_error.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {

void validate_service(core_v1::Service service, FieldErrors& errors);
void validate_service_update(core_v1::Service service, core_v1::Service old, FieldErrors& errors);
void validate_config_map(core_v1::ConfigMap config_map, FieldErrors& errors);
void validate_config_map_update(core_v1::ConfigMap config_map, core_v1::ConfigMap old,
                                FieldErrors& errors);
void validate_secret(core_v1::Secret secret, FieldErrors& errors);
void validate_secret_update(core_v1::Secret secret, core_v1::Secret old, FieldErrors& errors);

}  // namespace tiphys::apiserver
