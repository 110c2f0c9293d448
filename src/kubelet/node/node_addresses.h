// The addresses of the node and the order of those of its pods. Pure.
// Upstream: component-helpers/node/util (ParseNodeIPArgument), sortPodIPs of
// pkg/kubelet/kubelet_pods.go.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tiphys::kubelet {

// --node-ip: one address, or one of each family. What is no address is logged and left out. Error:
// BadRequest for more, or for a pair with one that stands for any address.
Result<std::vector<std::string>> parse_node_ips(std::string_view flag);

// The first address of the family of the node's first one, then the first one of the other family.
std::vector<std::string> order_pod_ips(const std::vector<std::string>& pod_ips,
                                       const std::vector<std::string>& node_ips);

}  // namespace tiphys::kubelet
