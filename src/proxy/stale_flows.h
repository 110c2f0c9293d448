// Stale flows: when the endpoints behind an address of a Service change, conntrack would keep
// sending UDP (and an SCTP association its packets) to the old ones for as long as the client
// talks. Which flows are stale is a matter of the facts alone, whatever backend made the rules.
// Pure; thread-safe. Behaviour: kube-proxy's CleanStaleEntries.
#pragma once
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "proxy/endpoints.h"

namespace tiphys::proxy {

// An address of a Service with a connectionless protocol.
struct Front {
  uint8_t protocol = 0;  // IPPROTO_UDP or IPPROTO_SCTP
  uint16_t port = 0;
  std::string address;  // "": a node port, on the node's own addresses
  auto operator<=>(const Front&) const = default;
};
// -> where its flows may lead.
using Fronts = std::map<Front, std::set<Target>>;

// targets: one for each of the service's ports.
Fronts fronts_of(const ServiceFacts& service, std::span<const Targets> targets, Family family);

// Adds to `out` the fronts whose flows may be stale once `now` holds instead of `before`: those
// that lost a target, went, or got their first one (what was refused before is remembered, too).
void add_changed_fronts(const Fronts& before, const Fronts& now, Fronts& out);

// A flow as conntrack tells it.
struct Flow {
  uint8_t protocol = 0;
  Address destination;  // as the client sees it
  uint16_t port = 0;
  Target answering;  // where the replies come from
  bool translated = false;
};
// local: the machine's own addresses (for node ports of flows that were not translated).
bool is_stale(const Flow& flow, const Fronts& fronts, const std::set<std::string>& local);

}  // namespace tiphys::proxy
