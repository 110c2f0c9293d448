#include "kinds/host_ports.h"

#include "kinds/pods.h"

namespace tiphys::kinds {
namespace {

constexpr std::string_view kAllAddresses = "0.0.0.0";

}  // namespace

bool HostPort::conflicts(const HostPort& other) const {
  return port == other.port && protocol == other.protocol &&
         (ip == other.ip || ip == kAllAddresses || other.ip == kAllAddresses);
}

std::vector<HostPort> host_ports(const core_v1::PodSpec& spec) {
  std::vector<HostPort> ports;
  auto collect = [&](const core_v1::Container& container) {
    for (core_v1::ContainerPort port : container.ports()) {
      int32_t number = port.host_port();
      if (number == 0 && spec.host_network()) number = port.container_port();
      if (number <= 0) continue;
      ports.push_back({std::string(port.host_ip().empty() ? kAllAddresses : port.host_ip()),
                       std::string(port.protocol().empty() ? "TCP" : port.protocol()), number});
    }
  };
  for (core_v1::Container container : spec.containers()) collect(container);
  for (core_v1::Container container : spec.init_containers()) {
    if (is_sidecar(container)) collect(container);
  }
  return ports;
}

}  // namespace tiphys::kinds
