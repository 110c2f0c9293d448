#include "proxy/service_rules.h"

#include <algorithm>

#include "base/strings.h"

namespace tiphys::proxy {
namespace {

bool is_safe_name(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '/';
  });
}

bool is_safe(const ServiceFacts& service) {
  if (service.key.size() > 254 || !is_safe_name(service.key)) return false;
  return std::all_of(service.ports.begin(), service.ports.end(), [](const ServicePort& p) {
    return p.name.size() <= 63 && is_safe_name(p.name);
  });
}

// nft limits names to 255 bytes: the readable part gives way, the hash keeps it unique.
std::string chain_name(std::string_view kind, const std::string& what) {
  static constexpr size_t kMaxReadable = 220;
  char hash[17];
  std::snprintf(hash, sizeof hash, "%016lx", static_cast<unsigned long>(fnv64a(what)));
  return std::string(kind) + "-" + std::string(hash, 10) + "-" + what.substr(0, kMaxReadable);
}

// "10.42.0.7 . 8080": a value of the maps that translate.
std::vector<std::string> endpoint_values(const std::vector<Target>& targets) {
  std::vector<std::string> values;
  for (const Target& target : targets) {
    values.push_back(target.address.text() + " . " + std::to_string(target.port));
  }
  return values;
}

// How packets get to one kind of endpoints (all, or this node's) of a port.
struct Way {
  std::string chain;                   // "" if there are no endpoints
  std::vector<std::string> endpoints;  // empty with affinity: its own chains know them
};

class Builder {
 public:
  Builder(const ServiceFacts& service, const Settings& settings, Family family)
      : service_(service),
        settings_(settings),
        family_(family),
        ip_(family == Family::kIpv4 ? "ip" : "ip6") {}

  void add_port(const ServicePort& port, Targets targets);
  ServiceRules take() { return std::move(rules_); }

 private:
  // One port under way.
  struct Port {
    const ServicePort& port;
    Targets targets;
    std::string id;  // "ns/name/tcp/port"
    Way all;
    Way local;  // empty if no policy asks for it
  };

  bool sticky() const { return service_.affinity_seconds > 0; }
  Way make_way(const Port& port, bool local);
  std::string affinity_spread(const Port& port, bool local, const std::vector<Target>& targets);
  std::string affinity_endpoint(const Port& port, const Target& target);
  // Another timeout is another set: a set's timeout can't be changed.
  std::string affinity_set(const std::string& endpoint_chain) const {
    return "affinity" + endpoint_chain.substr(std::string_view("endpoint").size()) + "__" +
           std::to_string(service_.affinity_seconds) + "s";
  }
  std::string shared(SharedChain chain);
  FrontRules internal_front(const Port& port) const;
  FrontRules external_front(const Port& port);
  std::string external_chain(const Port& port);
  FrontRules& add_front(const Port& port, const Address& address, const FrontRules& front);
  void add_node_port(const Port& port, FrontRules front);
  std::string firewall_chain(const Port& port);
  void add_hairpins(const Port& port, bool external);
  std::vector<Address> own(const std::vector<Address>& addresses) const;
  bool has_external(const Port& port) const;

  const ServiceFacts& service_;
  const Settings& settings_;
  Family family_;
  std::string ip_;
  ServiceRules rules_;
};

std::vector<Address> Builder::own(const std::vector<Address>& addresses) const {
  std::vector<Address> mine;
  std::copy_if(addresses.begin(), addresses.end(), std::back_inserter(mine), [&](const Address& a) {
    return a.family() == family_ && !a.is_forbidden_endpoint();
  });
  return mine;
}

bool Builder::has_external(const Port& port) const {
  return port.port.node_port != 0 || !own(service_.external_ips).empty() ||
         !own(service_.ingress_ips).empty();
}

std::string Builder::shared(SharedChain chain) {
  rules_.shared.insert(chain);
  return chain.name();
}

std::string Builder::affinity_endpoint(const Port& port, const Target& target) {
  std::string address = target.address.text();
  std::string what = port.id + "__" + address + "/" + std::to_string(target.port);
  std::replace(what.begin(), what.end(), ':', '.');
  std::string name = chain_name("endpoint", what);
  auto [at, added] = rules_.chains.try_emplace(name);
  if (!added) return name;
  std::string set = affinity_set(name);
  rules_.affinity_sets.emplace(set, service_.affinity_seconds);
  std::string to = family_ == Family::kIpv4 ? address : "[" + address + "]";
  at->second = {
      "update @" + set + " { " + ip_ + " saddr }",
      "meta l4proto " + port.port.protocol + " dnat to " + to + ":" + std::to_string(target.port)};
  return name;
}

std::string Builder::affinity_spread(const Port& port, bool local,
                                     const std::vector<Target>& targets) {
  std::string name = chain_name(local ? "local" : "service", port.id);
  std::vector<std::string> rules;
  std::string choices;
  for (size_t i = 0; i < targets.size(); ++i) {
    std::string chain = affinity_endpoint(port, targets[i]);
    rules.push_back(ip_ + " saddr @" + affinity_set(chain) + " goto " + chain);
    choices += (i == 0 ? "" : ", ") + std::to_string(i) + " : goto " + chain;
  }
  rules.push_back("numgen random mod " + std::to_string(targets.size()) + " vmap { " + choices +
                  " }");
  rules_.chains.emplace(name, std::move(rules));
  return name;
}

Way Builder::make_way(const Port& port, bool local) {
  const std::vector<Target>& targets = local ? port.targets.local : port.targets.cluster;
  if (targets.empty()) return {};
  if (sticky()) return {affinity_spread(port, local, targets), {}};
  auto kind = local ? SharedChain::Kind::kLocalSpread : SharedChain::Kind::kSpread;
  return {shared({kind, static_cast<uint32_t>(targets.size())}), endpoint_values(targets)};
}

FrontRules Builder::internal_front(const Port& port) const {
  FrontRules front{.cluster_ip = true};
  bool local = service_.internal_local;
  const Way& way = local ? port.local : port.all;
  front.chain = way.chain;
  (local ? front.local_endpoints : front.endpoints) = way.endpoints;
  if (way.chain.empty()) front.refuse = port.all.chain.empty() ? "goto reject-chain" : "drop";
  return front;
}

// Under policy Local pods and the node itself may use every endpoint; only what comes from outside
// stays here and keeps its source address.
std::string Builder::external_chain(const Port& port) {
  bool local = service_.external_local;
  if (!sticky()) {
    auto all = static_cast<uint32_t>(port.targets.cluster.size());
    if (!local) return shared({SharedChain::Kind::kExternal, all});
    return shared(
        {SharedChain::Kind::kExternalLocal, all, static_cast<uint32_t>(port.targets.local.size())});
  }
  std::string name = chain_name("external", port.id);
  rules_.chains.emplace(
      name, local ? external_local_rules(port.all.chain, port.local.chain, settings_, family_)
                  : external_rules(port.all.chain));
  return name;
}

FrontRules Builder::external_front(const Port& port) {
  if (port.all.chain.empty()) return {.refuse = "goto reject-chain"};
  FrontRules front{.chain = external_chain(port), .endpoints = port.all.endpoints};
  if (!service_.external_local) return front;
  front.local_endpoints = port.local.endpoints;
  if (port.local.chain.empty()) front.refuse = "drop";
  return front;
}

// The first of a service's own claims counts.
FrontRules& Builder::add_front(const Port& port, const Address& address, const FrontRules& front) {
  std::string key =
      address.text() + " . " + port.port.protocol + " . " + std::to_string(port.port.port);
  return rules_.fronts.try_emplace(std::move(key), front).first->second;
}

void Builder::add_node_port(const Port& port, FrontRules front) {
  front.node_port = true;
  std::string key = port.port.protocol + " . " + std::to_string(port.port.node_port);
  rules_.fronts.try_emplace(std::move(key), std::move(front));
}

// "" if everybody may come.
std::string Builder::firewall_chain(const Port& port) {
  if (service_.source_ranges.empty()) return "";
  std::string ranges = cidr_list(service_.source_ranges, family_);
  bool everybody = std::any_of(service_.source_ranges.begin(), service_.source_ranges.end(),
                               [&](const Cidr& c) { return c.family() == family_ && c.bits == 0; });
  if (everybody) return "";
  std::string name = chain_name("firewall", port.id);
  std::string rule = ranges.empty() ? "drop" : ip_ + " saddr != { " + ranges + " } drop";
  rules_.chains.emplace(name, std::vector<std::string>{rule});
  return name;
}

// Pods elsewhere meet their own address here only where policy Local lets them pass unmasqueraded.
void Builder::add_hairpins(const Port& port, bool external) {
  auto add = [this](const Address& address) {
    rules_.members.insert({"hairpin", address.text() + " . " + address.text()});
  };
  for (const Address& address : port.targets.near) add(address);
  if (!external || !service_.external_local) return;
  for (const Target& target : port.targets.cluster) add(target.address);
}

void Builder::add_port(const ServicePort& service_port, Targets targets) {
  std::string id =
      service_.key + "/" + service_port.protocol + "/" +
      (service_port.name.empty() ? std::to_string(service_port.port) : service_port.name);
  Port port{service_port, std::move(targets), std::move(id), {}, {}};
  bool external = has_external(port);
  port.all = make_way(port, false);
  if (service_.internal_local || (external && service_.external_local)) {
    port.local = make_way(port, true);
  }
  add_hairpins(port, external);

  FrontRules internal = internal_front(port);
  for (const Address& address : own(service_.cluster_ips)) {
    add_front(port, address, internal);
    rules_.members.insert({"cluster-ips", address.text()});
  }
  if (!external) return;
  FrontRules front = external_front(port);
  for (const Address& address : own(service_.external_ips)) add_front(port, address, front);
  std::vector<Address> ingress = own(service_.ingress_ips);
  std::string firewall = ingress.empty() ? "" : firewall_chain(port);
  for (const Address& address : ingress) add_front(port, address, front).firewall = firewall;
  if (port.port.node_port != 0) add_node_port(port, std::move(front));
}

}  // namespace

ServiceRules build_service_rules(const ServiceFacts& service, std::span<const SliceFacts> slices,
                                 const NodeFacts& node, const Settings& settings, Family family) {
  bool concerned = std::any_of(service.cluster_ips.begin(), service.cluster_ips.end(),
                               [&](const Address& a) { return a.family() == family; });
  if (!concerned || !is_safe(service)) return {};
  Builder builder(service, settings, family);
  for (const ServicePort& port : service.ports) {
    builder.add_port(port, select_targets(port, slices, node, family));
  }
  return builder.take();
}

}  // namespace tiphys::proxy
