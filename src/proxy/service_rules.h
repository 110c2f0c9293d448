// One Service's share of the rule set, as nft text: the elements of each front, and which of the
// shared chains they go to. Pure; thread-safe.
//
// Only ClientIP affinity and source ranges need chains of their own; their names carry a hash and
// stay readable: "service-HASH-ns/name/tcp/port" spreads over endpoints of policy Cluster,
// "local-..." of policy Local, "external-..." is the entry from outside, "endpoint-...__ip/port"
// translates, "affinity-..." is the set of clients of one endpoint, "firewall-..." holds source
// ranges. Shared chains: shared_chains.h; hooks and maps that all hang on: base_rules.h.
#pragma once
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "proxy/endpoints.h"
#include "proxy/front_rules.h"
#include "proxy/model.h"
#include "proxy/shared_chains.h"

namespace tiphys::proxy {

// (set name, element).
using Member = std::pair<std::string, std::string>;

struct ServiceRules {
  std::map<std::string, std::vector<std::string>> chains;  // own ones: name -> rules
  std::map<std::string, int> affinity_sets;                // name -> timeout, seconds
  std::set<SharedChain> shared;                            // those that fronts go to
  std::map<std::string, FrontRules> fronts;  // "10.43.0.5 . tcp . 80" or "tcp . 30080"
  std::set<Member> members;                  // of sets that several services may fill
  bool operator==(const ServiceRules&) const = default;
  bool empty() const { return fronts.empty(); }
};

// Empty if the service has nothing to do with this family, or a name that no API server accepts
// (names go into nft text).
ServiceRules build_service_rules(const ServiceFacts& service, std::span<const SliceFacts> slices,
                                 const NodeFacts& node, const Settings& settings, Family family);

}  // namespace tiphys::proxy
