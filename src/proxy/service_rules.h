// One Service's share of the rule set: its chains, affinity sets and map elements, as nft text.
// Pure; thread-safe.
//
// Names carry a hash and stay readable: "service-HASH-ns/name/tcp/port" spreads over endpoints of
// policy Cluster, "local-..." of policy Local, "external-..." is the entry from outside,
// "firewall-..." holds source ranges, "endpoint-...__ip/port" translates, "affinity-..." is the set
// of clients of one endpoint. Base chains and maps that they hang on: base_rules.h.
#pragma once
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "proxy/endpoints.h"
#include "proxy/model.h"

namespace tiphys::proxy {

// (map or set name, key text).
using ElementKey = std::pair<std::string, std::string>;

// A UDP address and the endpoints behind it: what conntrack may remember.
struct UdpFront {
  std::string address;  // "" for a node port
  uint16_t port = 0;
  std::vector<Target> targets;
  bool operator==(const UdpFront&) const = default;
};

struct ServiceRules {
  std::map<std::string, std::vector<std::string>> chains;  // name -> rules
  std::map<std::string, int> affinity_sets;                // name -> timeout, seconds
  std::map<ElementKey, std::string> elements;              // -> verdict; "" for members of sets
  std::vector<UdpFront> udp;
  bool operator==(const ServiceRules&) const = default;
  bool empty() const { return chains.empty() && elements.empty(); }
};

// Empty if the service has nothing to do with this family, or a name that no API server accepts
// (names go into nft text).
ServiceRules build_service_rules(const ServiceFacts& service, std::span<const SliceFacts> slices,
                                 const NodeFacts& node, const Settings& settings, Family family);

}  // namespace tiphys::proxy
