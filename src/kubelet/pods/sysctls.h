// Which kernel parameters a pod may set. Pure. After upstream's pkg/kubelet/sysctl.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace tiphys::kubelet {

// With dots between its parts: "net/ipv4/conf/eth0.1/forwarding" is
// "net.ipv4.conf.eth0/1.forwarding".
std::string dotted_sysctl(std::string_view name);
// Why a pod can't have it; "": it can. allowed: of the node, beside the safe ones; an entry may end
// in "*".
std::string sysctl_problem(std::string_view name, const std::vector<std::string>& allowed,
                           bool host_network, bool host_ipc);
// Why an entry of allowedUnsafeSysctls can't be; "": it can.
std::string allowed_sysctl_problem(std::string_view pattern);

}  // namespace tiphys::kubelet
