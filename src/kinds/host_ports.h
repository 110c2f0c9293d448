// Ports of the node that a pod holds, and which of them two pods can't both have. Pure.
// Source: upstream's GetHostPorts of the scheduler and the kubelet.
#pragma once
#include <string>
#include <vector>

#include "kinds/core_v1.h"

namespace tiphys::kinds {

struct HostPort {
  std::string ip;        // "0.0.0.0" for all addresses
  std::string protocol;  // "TCP"
  int32_t port = 0;
  bool operator==(const HostPort&) const = default;
  // The same port by the same protocol, at one address or where either holds all of them.
  bool conflicts(const HostPort& other) const;
};

// Those of the containers, then of the sidecars, in their order.
std::vector<HostPort> host_ports(const core_v1::PodSpec& spec);

}  // namespace tiphys::kinds
