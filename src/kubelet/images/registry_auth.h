// Registry credentials in image pull secrets (kubernetes.io/dockerconfigjson, dockercfg). Pure.
#pragma once
#include <optional>
#include <string_view>

#include "kinds/core_v1.h"
#include "kubelet/runtime/runtime.h"

namespace tiphys::kubelet {

// The credentials that the secret has for the image's registry.
std::optional<RegistryAuth> find_registry_auth(core_v1::Secret secret, std::string_view image);

}  // namespace tiphys::kubelet
