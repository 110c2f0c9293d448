// Validation of ConfigMaps and Secrets (pkg/apis/core/validation upstream, v1.35). Pure.
#pragma once
#include "apiserver/registry/field_error.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {

// old: null at creation. Immutable ones keep what they hold.
void validate_config_map(core_v1::ConfigMap config_map, const core_v1::ConfigMap* old,
                         FieldErrors& errors);
void validate_secret(core_v1::Secret secret, const core_v1::Secret* old, FieldErrors& errors);

}  // namespace tiphys::apiserver
