// What network interfaces have carried, from the text of /proc/<pid>/net/dev (proc(5)). Pure.
#pragma once
#include <string_view>
#include <vector>

#include "kubelet/stats/usage.h"

namespace tiphys::kubelet {

// Without the loopback, tunnels' templates and our side of pods' interfaces (veth...).
std::vector<InterfaceUsage> interfaces_of(std::string_view net_dev);
// The interface that a pod or node is known by: eth0, else the first; null: there is none.
const InterfaceUsage* main_interface(const std::vector<InterfaceUsage>& interfaces);

}  // namespace tiphys::kubelet
