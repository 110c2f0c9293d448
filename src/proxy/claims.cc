#include "proxy/claims.h"

namespace tiphys::proxy {
namespace {

std::set<std::string> claims_of(const ServiceFacts& facts) {
  std::set<std::string> claims;
  for (const ServicePort& port : facts.ports) {
    if (port.node_port != 0) {
      claims.insert("node port " + std::to_string(port.node_port) + "/" + port.protocol);
    }
    for (const auto* list : {&facts.cluster_ips, &facts.external_ips, &facts.ingress_ips}) {
      for (const Address& address : *list) {
        claims.insert("address " + address.text() + " port " + std::to_string(port.port) + "/" +
                      port.protocol);
      }
    }
  }
  return claims;
}

}  // namespace

void Claims::set(const std::string& service, const ServiceFacts* facts) {
  std::set<std::string> now = facts == nullptr ? std::set<std::string>() : claims_of(*facts);
  std::set<std::string>& before = by_service_[service];
  for (const std::string& claim : before) {
    if (now.contains(claim)) continue;
    by_claim_[claim].erase(service);
    if (by_claim_[claim].empty()) by_claim_.erase(claim);
    touched_.insert(claim);
  }
  for (const std::string& claim : now) {
    if (by_claim_[claim].insert(service).second) touched_.insert(claim);
  }
  before = std::move(now);
  if (before.empty()) by_service_.erase(service);
}

std::vector<Claims::Conflict> Claims::take_new() {
  std::vector<Conflict> fresh;
  for (const std::string& claim : std::exchange(touched_, {})) {
    std::set<Conflict> now;
    if (auto found = by_claim_.find(claim); found != by_claim_.end()) {
      const std::string& owner = *found->second.begin();
      for (const std::string& service : found->second) {
        if (service != owner) now.insert({claim, owner, service});
      }
    }
    for (const Conflict& conflict : now) {
      if (!known_.contains(conflict)) fresh.push_back(conflict);
    }
    std::erase_if(known_, [&](const Conflict& c) { return c.what == claim; });
    known_.insert(now.begin(), now.end());
  }
  return fresh;
}

}  // namespace tiphys::proxy
