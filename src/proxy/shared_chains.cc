#include "proxy/shared_chains.h"

#include "proxy/base_rules.h"

namespace tiphys::proxy {
namespace {

using Kind = SharedChain::Kind;

const char* kind_name(Kind kind) {
  switch (kind) {
    case Kind::kEndpoint:
      return "endpoint-";
    case Kind::kLocalEndpoint:
      return "local-endpoint-";
    case Kind::kSpread:
      return "spread-";
    case Kind::kLocalSpread:
      return "local-spread-";
    case Kind::kExternal:
      return "external-";
    case Kind::kExternalLocal:
      return "external-local-";
  }
  return "";
}

std::string ip_of(Family family) { return family == Family::kIpv4 ? "ip" : "ip6"; }

std::vector<std::string> spread_rules(const SharedChain& spread) {
  std::vector<SharedChain> endpoints = spread.needs();
  if (endpoints.size() == 1) return {"goto " + endpoints[0].name()};
  std::string choices;
  for (size_t i = 0; i < endpoints.size(); ++i) {
    choices += (i == 0 ? "" : ", ") + std::to_string(i) + " : goto " + endpoints[i].name();
  }
  return {"numgen random mod " + std::to_string(endpoints.size()) + " vmap { " + choices + " }"};
}

std::vector<std::string> endpoint_rules(const SharedChain& endpoint, Family family) {
  std::vector<std::string> maps = endpoint.maps();
  const std::string translate = "meta l4proto @transport-protocols dnat to ";
  std::vector<std::string> rules = {
      translate + ip_of(family) + " daddr . meta l4proto . th dport map @" + maps[0],
      translate + "meta l4proto . th dport map @" + maps[1]};
  // A packet may have chosen among N just before a transaction that leaves fewer.
  for (const SharedChain& first : endpoint.needs()) rules.push_back("goto " + first.name());
  return rules;
}

}  // namespace

std::string SharedChain::name() const {
  std::string name = kind_name(kind) + std::to_string(count);
  return kind == Kind::kExternalLocal ? name + "-" + std::to_string(local_count) : name;
}

std::vector<SharedChain> SharedChain::needs() const {
  bool local = kind == Kind::kLocalSpread || kind == Kind::kLocalEndpoint;
  Kind endpoint = local ? Kind::kLocalEndpoint : Kind::kEndpoint;
  std::vector<SharedChain> list;
  switch (kind) {
    case Kind::kEndpoint:
    case Kind::kLocalEndpoint:
      if (count > 0) list.push_back({endpoint, 0});
      break;
    case Kind::kSpread:
    case Kind::kLocalSpread:
      for (uint32_t i = 0; i < count; ++i) list.push_back({endpoint, i});
      break;
    case Kind::kExternal:
    case Kind::kExternalLocal:
      list.push_back({Kind::kSpread, count});
      if (local_count > 0) list.push_back({Kind::kLocalSpread, local_count});
      break;
  }
  return list;
}

std::vector<std::string> SharedChain::maps() const {
  if (kind != Kind::kEndpoint && kind != Kind::kLocalEndpoint) return {};
  bool local = kind == Kind::kLocalEndpoint;
  return {endpoint_map(false, local, count), endpoint_map(true, local, count)};
}

std::vector<std::string> SharedChain::rules(const Settings& settings, Family family) const {
  switch (kind) {
    case Kind::kEndpoint:
    case Kind::kLocalEndpoint:
      return endpoint_rules(*this, family);
    case Kind::kSpread:
    case Kind::kLocalSpread:
      return spread_rules(*this);
    case Kind::kExternal:
      return external_rules(needs()[0].name());
    case Kind::kExternalLocal:
      return external_local_rules(needs()[0].name(), local_count > 0 ? needs()[1].name() : "",
                                  settings, family);
  }
  return {};
}

std::string endpoint_map(bool node_port, bool local, size_t index) {
  return std::string(node_port ? "nodeport-" : "") + (local ? "local-" : "") + "endpoints-" +
         std::to_string(index);
}

std::string front_map_type(bool node_port, Family family) {
  std::string address = family == Family::kIpv4 ? "ipv4_addr . " : "ipv6_addr . ";
  return (node_port ? "" : address) + "inet_proto . inet_service";
}

std::vector<std::string> external_rules(const std::string& all) {
  return {"jump mark-for-masquerade", "goto " + all};
}

std::vector<std::string> external_local_rules(const std::string& all, const std::string& local,
                                              const Settings& settings, Family family) {
  std::vector<std::string> rules;
  if (!settings.local_interface.empty()) {
    rules.push_back("iifname " + interface_pattern(settings) + " goto " + all);
  }
  for (const Cidr& cidr : settings.cluster_cidrs) {
    if (cidr.family() != family) continue;
    rules.push_back(ip_of(family) + " saddr " + cidr.text() + " goto " + all);
  }
  rules.push_back("fib saddr type local jump mark-for-masquerade");
  rules.push_back("fib saddr type local goto " + all);
  if (!local.empty()) rules.push_back("goto " + local);
  return rules;
}

}  // namespace tiphys::proxy
