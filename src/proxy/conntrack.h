// Stale UDP flows: when the endpoints behind a UDP address change, conntrack would keep sending to
// the old ones for as long as the client talks (upstream: kube-proxy's conntrack cleanup).
// Pure; thread-safe.
#pragma once
#include <string>
#include <vector>

#include "proxy/service_rules.h"

namespace tiphys::proxy {

// Argument lists of conntrack(8), to be run after the new rules are in place. At most
// kMaxConntrackCommands; beyond it one command that clears all translated UDP flows.
inline constexpr size_t kMaxConntrackCommands = 64;
std::vector<std::vector<std::string>> stale_udp_flows(const ServiceRules& before,
                                                      const ServiceRules& now, Family family);

}  // namespace tiphys::proxy
