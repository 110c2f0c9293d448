// The fixed part of the iptables rules: chains that all services share, what stands in them
// besides the services, and the jumps to them from the kernel's own chains. Pure; thread-safe.
// Names, order and comments are upstream's (kube-proxy's iptables mode).
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/model.h"

namespace tiphys::proxy {

// A rule in one of the kernel's chains, as iptables-save prints it after "-A ".
struct Jump {
  std::string_view table;
  std::string_view rule;
};
std::span<const Jump> iptables_jumps();

// Chains of a table ("filter" or "nat") that are flushed and filled by us as a whole.
std::span<const std::string_view> iptables_shared_chains(std::string_view table);
inline constexpr std::string_view kCanaryChain = "KUBE-PROXY-CANARY";
// Stands in the canary, which thus tells of rules that were flushed where chains were kept, and
// whose they are: of the cluster with these settings' table.
std::string canary_rule(const Settings& settings);
inline constexpr std::string_view kCanaryTables[] = {"mangle", "nat", "filter"};
inline constexpr std::string_view kLocalnetChain = "KUBE-FIREWALL";

// Rules of the shared chains ("-A CHAIN ...") that stand after those of the services.
std::vector<std::string> iptables_fixed_rules(std::string_view table, const Settings& settings,
                                              const NodeFacts& node, Family family);

}  // namespace tiphys::proxy
