// One Service's share of the iptables rules, as arguments of iptables-restore(8). Pure;
// thread-safe.
//
// Chains and their meaning are upstream's (kube-proxy's iptables mode): KUBE-SVC-HASH spreads over
// the endpoints of policy Cluster, KUBE-SVL-HASH over those of policy Local, KUBE-EXT-HASH is the
// entry from outside, KUBE-FW-HASH holds source ranges, KUBE-SEP-HASH translates; names are hashed
// as upstream hashes them, so that other tools know them. Where they hang: iptables_base.h.
#pragma once
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "proxy/endpoints.h"
#include "proxy/model.h"

namespace tiphys::proxy {

// (table and chain, what it matches): "nat KUBE-SERVICES", "10.43.0.5 tcp 80".
using EntryKey = std::pair<std::string, std::string>;

struct IptablesEntry {
  std::string rule;
  // Of an address or port that isn't the cluster's to give: weaker than a ClusterIP.
  bool external = true;
  bool operator==(const IptablesEntry&) const = default;
};

struct IptablesRules {
  std::map<std::string, std::vector<std::string>> chains;  // of table nat: name -> rules
  std::map<EntryKey, IptablesEntry> entries;               // in chains that all share
  bool operator==(const IptablesRules&) const = default;
  bool empty() const { return chains.empty() && entries.empty(); }
};

// Empty if the service has nothing to do with this family, or a name that no API server accepts.
IptablesRules build_iptables_rules(const ServiceFacts& service, std::span<const SliceFacts> slices,
                                   const NodeFacts& node, const Settings& settings, Family family);

// Is a chain of table nat one of those that belong to services?
bool is_service_chain(std::string_view name);

}  // namespace tiphys::proxy
