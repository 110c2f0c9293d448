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
    std::string id;             // "ns/name/tcp/port"
    std::string cluster_chain;  // "" if not made
    std::string local_chain;
  };
  struct Entry {
    std::string chain;   // "" if there is nothing to go to
    std::string refuse;  // "" or the verdict for what was not translated
  };

  std::string spread_chain(const Port& port, std::string_view kind,
                           const std::vector<Target>& targets);
  std::string endpoint_chain(const Port& port, const Target& target);
  // Another timeout is another set: a set's timeout can't be changed.
  std::string affinity_set(const std::string& endpoint_chain) const {
    return "affinity" + endpoint_chain.substr(std::string_view("endpoint").size()) + "__" +
           std::to_string(service_.affinity_seconds) + "s";
  }
  void masquerade_cluster_ip(const Port& port, std::vector<std::string>& rules) const;
  Entry internal_entry(const Port& port) const;
  Entry external_entry(const Port& port);
  std::vector<std::string> external_rules(const Port& port) const;
  void add_front(const Port& port, const Address& address, const Entry& entry);
  void add_node_port(const Port& port, const Entry& entry);
  void add_firewall(const Port& port);
  void remember_udp(const Port& port, const std::string& address, uint16_t number);
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

std::string Builder::endpoint_chain(const Port& port, const Target& target) {
  std::string address = target.address.text();
  std::string what = port.id + "__" + address + "/" + std::to_string(target.port);
  std::replace(what.begin(), what.end(), ':', '.');
  std::string name = chain_name("endpoint", what);
  auto [at, added] = rules_.chains.try_emplace(name);
  if (!added) return name;
  std::vector<std::string>& rules = at->second;
  rules.push_back(ip_ + " saddr " + address + " jump mark-for-masquerade");
  if (service_.affinity_seconds > 0) {
    std::string set = affinity_set(name);
    rules_.affinity_sets.emplace(set, service_.affinity_seconds);
    rules.push_back("update @" + set + " { " + ip_ + " saddr }");
  }
  std::string to = family_ == Family::kIpv4 ? address : "[" + address + "]";
  rules.push_back("meta l4proto " + port.port.protocol + " dnat to " + to + ":" +
                  std::to_string(target.port));
  return name;
}

void Builder::masquerade_cluster_ip(const Port& port, std::vector<std::string>& rules) const {
  std::string sources = cidr_list(settings_.cluster_cidrs, family_);
  if (!settings_.masquerade_all && sources.empty()) return;
  for (const Address& address : own(service_.cluster_ips)) {
    std::string rule = ip_ + " daddr " + address.text() + " " + port.port.protocol + " dport " +
                       std::to_string(port.port.port);
    if (!settings_.masquerade_all) rule += " " + ip_ + " saddr != { " + sources + " }";
    rules.push_back(rule + " jump mark-for-masquerade");
  }
}

std::string Builder::spread_chain(const Port& port, std::string_view kind,
                                  const std::vector<Target>& targets) {
  if (targets.empty()) return "";
  std::string name = chain_name(kind, port.id);
  std::vector<std::string> rules;
  masquerade_cluster_ip(port, rules);
  std::string choices;
  for (size_t i = 0; i < targets.size(); ++i) {
    std::string chain = endpoint_chain(port, targets[i]);
    if (service_.affinity_seconds > 0) {
      rules.push_back(ip_ + " saddr @" + affinity_set(chain) + " goto " + chain);
    }
    choices += (i == 0 ? "" : ", ") + std::to_string(i) + " : goto " + chain;
  }
  rules.push_back("numgen random mod " + std::to_string(targets.size()) + " vmap { " + choices +
                  " }");
  rules_.chains.emplace(name, std::move(rules));
  return name;
}

Builder::Entry Builder::internal_entry(const Port& port) const {
  if (!service_.internal_local) {
    return {port.cluster_chain, port.cluster_chain.empty() ? "goto reject-chain" : ""};
  }
  if (!port.local_chain.empty()) return {port.local_chain, ""};
  return {"", port.cluster_chain.empty() ? "goto reject-chain" : "drop"};
}

std::vector<std::string> Builder::external_rules(const Port& port) const {
  if (!service_.external_local) {
    return {"jump mark-for-masquerade", "goto " + port.cluster_chain};
  }
  // Pods and the node itself may use every endpoint; only what comes from outside stays here and
  // keeps its source address.
  std::vector<std::string> rules;
  for (const Cidr& cidr : settings_.cluster_cidrs) {
    if (cidr.family() != family_) continue;
    rules.push_back(ip_ + " saddr " + cidr.text() + " goto " + port.cluster_chain);
  }
  rules.push_back("fib saddr type local jump mark-for-masquerade");
  rules.push_back("fib saddr type local goto " + port.cluster_chain);
  if (!port.local_chain.empty()) rules.push_back("goto " + port.local_chain);
  return rules;
}

Builder::Entry Builder::external_entry(const Port& port) {
  if (port.cluster_chain.empty()) return {"", "goto reject-chain"};
  std::string name = chain_name("external", port.id);
  rules_.chains.emplace(name, external_rules(port));
  return {name, service_.external_local && port.local_chain.empty() ? "drop" : ""};
}

void Builder::remember_udp(const Port& port, const std::string& address, uint16_t number) {
  if (port.port.protocol != "udp") return;
  std::vector<Target> targets = port.targets.cluster;
  targets.insert(targets.end(), port.targets.local.begin(), port.targets.local.end());
  std::sort(targets.begin(), targets.end());
  targets.erase(std::unique(targets.begin(), targets.end()), targets.end());
  rules_.udp.push_back({address, number, std::move(targets)});
}

void Builder::add_front(const Port& port, const Address& address, const Entry& entry) {
  std::string key =
      address.text() + " . " + port.port.protocol + " . " + std::to_string(port.port.port);
  if (!entry.chain.empty()) rules_.elements[{"service-ips", key}] = "goto " + entry.chain;
  if (!entry.refuse.empty()) rules_.elements[{"no-endpoint-services", key}] = entry.refuse;
  remember_udp(port, address.text(), port.port.port);
}

void Builder::add_node_port(const Port& port, const Entry& entry) {
  std::string key = port.port.protocol + " . " + std::to_string(port.port.node_port);
  if (!entry.chain.empty()) rules_.elements[{"service-nodeports", key}] = "goto " + entry.chain;
  if (!entry.refuse.empty()) rules_.elements[{"no-endpoint-nodeports", key}] = entry.refuse;
  remember_udp(port, "", port.port.node_port);
}

void Builder::add_firewall(const Port& port) {
  if (service_.source_ranges.empty()) return;
  std::string ranges = cidr_list(service_.source_ranges, family_);
  bool everybody = std::any_of(service_.source_ranges.begin(), service_.source_ranges.end(),
                               [&](const Cidr& c) { return c.family() == family_ && c.bits == 0; });
  if (everybody) return;
  std::string name = chain_name("firewall", port.id);
  std::string rule = ranges.empty() ? "drop" : ip_ + " saddr != { " + ranges + " } drop";
  rules_.chains.emplace(name, std::vector<std::string>{rule});
  for (const Address& address : own(service_.ingress_ips)) {
    std::string key =
        address.text() + " . " + port.port.protocol + " . " + std::to_string(port.port.port);
    rules_.elements[{"firewall-ips", key}] = "goto " + name;
  }
}

void Builder::add_port(const ServicePort& service_port, Targets targets) {
  std::string id =
      service_.key + "/" + service_port.protocol + "/" +
      (service_port.name.empty() ? std::to_string(service_port.port) : service_port.name);
  Port port{service_port, std::move(targets), std::move(id), "", ""};
  bool external = has_external(port);
  bool use_local = service_.internal_local || (external && service_.external_local);
  port.cluster_chain = spread_chain(port, "service", port.targets.cluster);
  if (use_local) port.local_chain = spread_chain(port, "local", port.targets.local);

  Entry internal = internal_entry(port);
  for (const Address& address : own(service_.cluster_ips)) {
    add_front(port, address, internal);
    rules_.elements[{"cluster-ips", address.text()}] = "";
  }
  if (!external) return;
  Entry entry = external_entry(port);
  for (const Address& address : own(service_.external_ips)) add_front(port, address, entry);
  for (const Address& address : own(service_.ingress_ips)) add_front(port, address, entry);
  if (port.port.node_port != 0) add_node_port(port, entry);
  add_firewall(port);
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
