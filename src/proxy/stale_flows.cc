#include "proxy/stale_flows.h"

#include <netinet/in.h>

#include <algorithm>

namespace tiphys::proxy {
namespace {

// 0: a protocol whose connections end by themselves.
uint8_t protocol_number(std::string_view name) {
  if (name == "udp") return IPPROTO_UDP;
  return name == "sctp" ? IPPROTO_SCTP : 0;
}

bool includes(const std::set<Target>& all, const std::set<Target>& part) {
  return std::includes(all.begin(), all.end(), part.begin(), part.end());
}

}  // namespace

Fronts fronts_of(const ServiceFacts& service, std::span<const Targets> targets, Family family) {
  Fronts fronts;
  for (size_t i = 0; i < service.ports.size() && i < targets.size(); ++i) {
    const ServicePort& port = service.ports[i];
    uint8_t protocol = protocol_number(port.protocol);
    if (protocol == 0) continue;
    std::set<Target> ends(targets[i].cluster.begin(), targets[i].cluster.end());
    ends.insert(targets[i].local.begin(), targets[i].local.end());
    for (const auto* list : {&service.cluster_ips, &service.external_ips, &service.ingress_ips}) {
      for (const Address& address : *list) {
        if (address.family() == family) fronts[{protocol, port.port, address.text()}] = ends;
      }
    }
    if (port.node_port != 0) fronts[{protocol, port.node_port, ""}] = std::move(ends);
  }
  return fronts;
}

void add_changed_fronts(const Fronts& before, const Fronts& now, Fronts& out) {
  for (const auto& [front, targets] : before) {
    auto found = now.find(front);
    if (found == now.end()) {
      out[front];
    } else if (!includes(found->second, targets)) {
      out[front] = found->second;
    }
  }
  for (const auto& [front, targets] : now) {
    auto found = before.find(front);
    bool first = found == before.end() || found->second.empty();
    if (first && !targets.empty()) out[front] = targets;
  }
}

bool is_stale(const Flow& flow, const Fronts& fronts, const std::set<std::string>& local) {
  auto leads_elsewhere = [&](const Fronts::value_type& front) {
    return !front.second.contains(flow.answering);
  };
  auto front = fronts.find({flow.protocol, flow.port, flow.destination.text()});
  if (front != fronts.end()) return leads_elsewhere(*front);
  front = fronts.find({flow.protocol, flow.port, ""});
  if (front == fronts.end()) return false;
  bool ours = flow.translated || local.contains(flow.destination.text());
  return ours && leads_elsewhere(*front);
}

}  // namespace tiphys::proxy
