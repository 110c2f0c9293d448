#include "proxy/claims.h"

namespace tiphys::proxy {
namespace {

// -> whether it is an external one.
std::map<std::string, bool> claims_of(const ServiceFacts& facts) {
  std::map<std::string, bool> claims;
  for (const ServicePort& port : facts.ports) {
    auto add = [&](const std::vector<Address>& addresses, bool external) {
      for (const Address& address : addresses) {
        claims.try_emplace("address " + address.text() + " port " + std::to_string(port.port) +
                               "/" + port.protocol,
                           external);
      }
    };
    if (port.node_port != 0) {
      claims.emplace("node port " + std::to_string(port.node_port) + "/" + port.protocol, true);
    }
    add(facts.cluster_ips, false);
    add(facts.external_ips, true);
    add(facts.ingress_ips, true);
  }
  return claims;
}

}  // namespace

void Claims::set(const std::string& service, const ServiceFacts* facts) {
  std::map<std::string, bool> now;
  if (facts != nullptr) now = claims_of(*facts);
  std::map<std::string, bool>& before = by_service_[service];
  for (const auto& [claim, external] : before) {
    auto kept = now.find(claim);
    if (kept != now.end() && kept->second == external) continue;
    by_claim_[claim].erase({external, service});
    if (by_claim_[claim].empty()) by_claim_.erase(claim);
    touched_.insert(claim);
  }
  for (const auto& [claim, external] : now) {
    if (by_claim_[claim].insert({external, service}).second) touched_.insert(claim);
  }
  before = std::move(now);
  if (before.empty()) by_service_.erase(service);
}

std::vector<Claims::Conflict> Claims::take_new() {
  std::vector<Conflict> fresh;
  for (const std::string& claim : std::exchange(touched_, {})) {
    std::set<Conflict> now;
    if (auto found = by_claim_.find(claim); found != by_claim_.end()) {
      const std::string& owner = found->second.begin()->second;
      for (const auto& [external, service] : found->second) {
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
