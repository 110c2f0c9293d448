#include "proxy/health_ports.h"

#include <algorithm>

#include "proxy/endpoints.h"
#include "proxy/own_addresses.h"

namespace tiphys::proxy {

std::vector<std::string> node_port_addresses(const std::set<std::string>& own,
                                             const std::vector<Cidr>& ranges) {
  std::vector<std::string> addresses;
  for (const std::string& text : own) {
    std::optional<Address> address = Address::parse(text);
    if (!address) continue;
    bool chosen = std::ranges::any_of(
        ranges, [&](const Cidr& range) { return range.family() == address->family(); });
    bool within =
        std::ranges::any_of(ranges, [&](const Cidr& range) { return range.contains(*address); });
    if (within || !chosen) addresses.push_back(text);
  }
  return addresses;
}

void HealthPorts::listen_where(const Settings& settings) {
  const std::vector<Cidr>& ranges = settings.node_port_cidrs;
  if (ranges.empty()) return servers_.listen_on({});
  servers_.listen_on(node_port_addresses(own_addresses(), ranges));
}

void HealthPorts::want(const std::string& service, const ServiceFacts* facts,
                       const std::vector<SliceFacts>& parts, const NodeFacts& node) {
  bool wants = facts != nullptr && facts->external_local && !facts->cluster_ips.empty() &&
               facts->health_check_node_port != 0;
  if (wants) {
    Family family = facts->cluster_ips[0].family();
    wanted_[service] = {facts->health_check_node_port, local_ready_endpoints(parts, node, family)};
  } else if (auto found = wanted_.find(service); found != wanted_.end()) {
    found->second = {};
  }
}

void HealthPorts::serve(const std::set<std::string>& services) {
  for (const std::string& service : services) {
    if (wanted_.contains(service)) serve_one(service);
  }
}

void HealthPorts::serve_one(const std::string& service) {
  Wanted& wanted = wanted_[service];
  Result<void> open = servers_.set(service, wanted.port, wanted.endpoints);
  wanted.open = open.has_value();
  if (!open) tell_closed_(service, wanted.port, open.error());
  if (wanted.port == 0) wanted_.erase(service);
}

void HealthPorts::try_again() {
  std::set<std::string> closed;
  for (const auto& [service, wanted] : wanted_) {
    if (!wanted.open) closed.insert(service);
  }
  serve(closed);
}

}  // namespace tiphys::proxy
