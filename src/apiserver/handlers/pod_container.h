// Which container of a pod a request means. Pure. Upstream: validateContainer of
// pkg/registry/core/pod/strategy.go.
#pragma once
#include <string>
#include <string_view>

#include "base/result.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {

// `wanted` may be empty: then the pod's only container. Error: BadRequest, naming the choices.
Result<std::string> choose_container(core_v1::Pod pod, std::string_view wanted);

}  // namespace tiphys::apiserver
