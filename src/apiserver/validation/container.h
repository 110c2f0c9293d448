// Validation of a pod's containers. Pure; see pod.h.
#pragma once
#include <set>
#include <string_view>

#include "apiserver/registry/field_error.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {

// All containers and init containers of a pod spec; `volumes` are the names that mounts may use.
void validate_containers(core_v1::PodSpec spec, const std::set<std::string_view>& volumes,
                         const FieldPath& path, FieldErrors& errors);

}  // namespace tiphys::apiserver
