// What is wrong with a KubeProxyConfiguration, in upstream's words. Pure.
#pragma once
#include "base/result.h"
#include "kinds/kubeproxy_v1alpha1.h"

namespace tiphys::proxy {

// Requires: defaults are filled in. BadRequest: the only problem, or all as "[a, b]".
Result<void> validate_configuration(const kubeproxy_v1alpha1::KubeProxyConfiguration& config);

struct HostPort {
  std::string host;
  uint16_t port = 0;
};
// "0.0.0.0:10256" or "[::]:10256". Requires: it was validated; "": nothing.
std::optional<HostPort> host_port(std::string_view text);

}  // namespace tiphys::proxy
