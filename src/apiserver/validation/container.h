// Validation of a pod's containers. Pure; see pod.h.
#pragma once
#include "apiserver/validation/pod_scope.h"

namespace tiphys::apiserver {

// Containers, init containers and ephemeral containers of scope.pod.spec; `path` is the spec's.
void validate_containers(const ContainerScope& scope, const FieldPath& path, FieldErrors& errors);
// White space around images: pods only, as templates were once let through with it.
void validate_image_padding(core_v1::PodSpec spec, const FieldPath& path, FieldErrors& errors);

}  // namespace tiphys::apiserver
