#include "proxy/iptables_rules.h"

#include <algorithm>
#include <cstdio>

#include "crypto/jwt.h"
#include "proxy/safe_names.h"

namespace tiphys::proxy {
namespace {

constexpr std::string_view kServiceChains[] = {"KUBE-SVC-", "KUBE-SVL-", "KUBE-EXT-", "KUBE-FW-",
                                               "KUBE-SEP-"};
constexpr const char* kServices = "nat KUBE-SERVICES";
constexpr const char* kNodePorts = "nat KUBE-NODEPORTS";
constexpr const char* kRefusals = "filter KUBE-SERVICES";
constexpr const char* kExternalRefusals = "filter KUBE-EXTERNAL-SERVICES";
constexpr const char* kFirewall = "filter KUBE-PROXY-FIREWALL";
constexpr const char* kHealthPorts = "filter KUBE-NODEPORTS";
constexpr const char* kMark = "-j KUBE-MARK-MASQ";

// The first 16 letters of base32 (RFC 4648) of the SHA-256: ten bytes.
std::string chain_hash(const std::string& text) {
  static constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string digest = crypto::sha256(text);
  std::string out;
  uint32_t bits = 0;
  int held = 0;
  for (size_t at = 0; out.size() < 16; ++at) {
    bits = (bits << 8 | static_cast<uint8_t>(digest[at])) & 0xffff;
    for (held += 8; held >= 5; held -= 5) out += kLetters[(bits >> (held - 5)) & 31];
  }
  return out;
}

std::string comment(const std::string& text) { return "-m comment --comment \"" + text + "\" "; }

// "-d 10.43.0.5/32 -p tcp -m tcp --dport 80 "; no address: a port alone.
std::string match(const std::string& address, const std::string& protocol, uint16_t port) {
  std::string text = address.empty() ? "" : "-d " + address + " ";
  return text + "-p " + protocol + " -m " + protocol + " --dport " + std::to_string(port) + " ";
}

class Builder {
 public:
  Builder(const ServiceFacts& service, const NodeFacts& node, const Settings& settings,
          Family family)
      : service_(service), node_(node), settings_(settings), family_(family) {}

  void add_port(const ServicePort& port, const Targets& targets);
  IptablesRules take() { return std::move(rules_); }

 private:
  // One port under way. Chains are "" if not made.
  struct Port {
    const ServicePort& port;
    const Targets& targets;
    std::string name;  // "ns/name:port", as upstream
    std::string cluster_chain;
    std::string local_chain;
    std::string internal_refusal;  // "" or the rest of a rule: comment and verdict
    std::string external_refusal;
  };

  std::vector<std::string> own(const std::vector<Address>& addresses) const;
  // What traffic of pods looks like: "-s 10.42.0.0/16" or "-i cni0".
  std::vector<std::string> local_sources() const;
  bool has_external(const ServicePort& port) const;
  std::string chain(std::string_view prefix, const Port& port) const {
    return std::string(prefix) + chain_hash(port.name + port.port.protocol);
  }
  void add(const char* where, const std::string& address, const ServicePort& port, uint16_t number,
           std::string rule);
  void choose_refusals(Port& port, bool external) const;
  std::string endpoint_chain(const Port& port, const Target& target);
  std::string spread_chain(const Port& port, std::string_view prefix,
                           const std::vector<Target>& targets);
  void mark_from_outside(const Port& port, const std::string& chain);
  void add_internal(const Port& port);
  std::string external_chain(const Port& port);
  std::string firewall_chain(const Port& port, const std::string& external);
  void add_external(const Port& port);
  void add_load_balancer(const Port& port, const std::string& external);
  void add_node_port(const Port& port, const std::string& external);

  const ServiceFacts& service_;
  const NodeFacts& node_;
  const Settings& settings_;
  Family family_;
  bool external_ = true;  // are entries of outside addresses being added?
  IptablesRules rules_;
};

std::vector<std::string> Builder::own(const std::vector<Address>& addresses) const {
  std::vector<std::string> mine;
  for (const Address& address : addresses) {
    if (address.family() != family_ || address.is_forbidden_endpoint()) continue;
    mine.push_back(address.text() + (family_ == Family::kIpv4 ? "/32" : "/128"));
  }
  return mine;
}

std::vector<std::string> Builder::local_sources() const {
  if (!settings_.local_interface.empty()) return {"-i " + settings_.local_interface};
  std::vector<std::string> sources;
  for (const Cidr& range : settings_.cluster_cidrs) {
    if (range.family() == family_) sources.push_back("-s " + range.text());
  }
  return sources;
}

bool Builder::has_external(const ServicePort& port) const {
  return port.node_port != 0 || !own(service_.external_ips).empty() ||
         !own(service_.ingress_ips).empty();
}

void Builder::add(const char* where, const std::string& address, const ServicePort& port,
                  uint16_t number, std::string rule) {
  std::string key = address + " " + port.protocol + " " + std::to_string(number);
  // A service's own ClusterIP stays one, though it is named among its external addresses.
  rules_.entries.try_emplace({where, key}, IptablesEntry{std::move(rule), external_});
}

void Builder::choose_refusals(Port& port, bool external) const {
  if (port.targets.cluster.empty()) {
    // For the same reason as in nftables mode (base_rules.cc), a reset.
    const char* how =
        port.port.protocol == "tcp" ? "-j REJECT --reject-with tcp-reset" : "-j REJECT";
    port.internal_refusal = comment(port.name + " has no endpoints") + how;
    port.external_refusal = port.internal_refusal;
    return;
  }
  if (!port.targets.local.empty()) return;
  std::string drop = comment(port.name + " has no local endpoints") + "-j DROP";
  if (service_.internal_local) port.internal_refusal = drop;
  if (external && service_.external_local) port.external_refusal = drop;
}

std::string Builder::endpoint_chain(const Port& port, const Target& target) {
  std::string address = target.address.text();
  std::string end = family_ == Family::kIpv4 ? address : "[" + address + "]";
  end += ":" + std::to_string(target.port);
  std::string name = "KUBE-SEP-" + chain_hash(port.name + port.port.protocol + end);
  auto [at, added] = rules_.chains.try_emplace(name);
  if (!added) return name;
  std::string what = comment(port.name);
  at->second.push_back(what + "-s " + address + " " + kMark);
  std::string remember =
      service_.affinity_seconds > 0 ? "-m recent --name " + name + " --set " : "";
  const std::string& protocol = port.port.protocol;
  at->second.push_back(what + remember + "-p " + protocol + " -m " + protocol +
                       " -j DNAT --to-destination " + end);
  return name;
}

std::string Builder::spread_chain(const Port& port, std::string_view prefix,
                                  const std::vector<Target>& targets) {
  if (targets.empty()) return "";
  std::vector<std::string> stick, spread;
  for (size_t i = 0; i < targets.size(); ++i) {
    std::string to = endpoint_chain(port, targets[i]);
    std::string what = comment(port.name + " -> " + targets[i].address.text() + ":" +
                               std::to_string(targets[i].port));
    if (service_.affinity_seconds > 0) {
      stick.push_back(what + "-m recent --name " + to + " --rcheck --seconds " +
                      std::to_string(service_.affinity_seconds) + " --reap -j " + to);
    }
    size_t left = targets.size() - i;
    char chance[64] = "";
    if (left > 1) {
      std::snprintf(chance, sizeof chance, "-m statistic --mode random --probability %0.10f ",
                    1.0 / static_cast<double>(left));
    }
    spread.push_back(what + chance + "-j " + to);
  }
  stick.insert(stick.end(), spread.begin(), spread.end());
  std::string name = chain(prefix, port);
  rules_.chains[name] = std::move(stick);
  return name;
}

// Goes before what is in the chain: traffic to a cluster address from outside may have to leave
// this node again.
void Builder::mark_from_outside(const Port& port, const std::string& chain) {
  std::string elsewhere;
  if (!settings_.masquerade_all) {
    std::vector<std::string> sources = local_sources();
    if (sources.empty()) return;
    elsewhere = "! " + sources[0] + " ";
  }
  std::vector<std::string> marks;
  for (const std::string& address : own(service_.cluster_ips)) {
    marks.push_back(comment(port.name + " cluster IP") + elsewhere +
                    match(address, port.port.protocol, port.port.port) + kMark);
  }
  std::vector<std::string>& rules = rules_.chains[chain];
  rules.insert(rules.begin(), marks.begin(), marks.end());
}

void Builder::add_internal(const Port& port) {
  const std::string& chain = service_.internal_local ? port.local_chain : port.cluster_chain;
  if (port.internal_refusal.empty()) mark_from_outside(port, chain);
  for (const std::string& address : own(service_.cluster_ips)) {
    std::string to = match(address, port.port.protocol, port.port.port);
    if (port.internal_refusal.empty()) {
      add(kServices, address, port.port, port.port.port,
          to + comment(port.name + " cluster IP") + "-j " + chain);
    } else {
      add(kRefusals, address, port.port, port.port.port, to + port.internal_refusal);
    }
  }
}

std::string Builder::external_chain(const Port& port) {
  if (port.targets.cluster.empty()) return "";
  std::string what = port.name + " external destinations";
  std::vector<std::string> rules;
  if (!service_.external_local) {
    rules.push_back(comment("masquerade traffic for " + what) + kMark);
    rules.push_back("-j " + port.cluster_chain);
  } else {
    // Pods and the node itself may use every endpoint; only what comes from outside stays here
    // and keeps its source address.
    for (const std::string& source : local_sources()) {
      rules.push_back(comment("pod traffic for " + what) + source + " -j " + port.cluster_chain);
    }
    std::string local = "-m addrtype --src-type LOCAL ";
    rules.push_back(comment("masquerade LOCAL traffic for " + what) + local + kMark);
    rules.push_back(comment("route LOCAL traffic for " + what) + local + "-j " +
                    port.cluster_chain);
    if (!port.local_chain.empty()) rules.push_back("-j " + port.local_chain);
  }
  std::string name = chain("KUBE-EXT-", port);
  rules_.chains[name] = std::move(rules);
  return name;
}

std::string Builder::firewall_chain(const Port& port, const std::string& external) {
  std::vector<std::string> rules;
  std::string what = comment(port.name + " loadbalancer IP");
  bool from_node = false;
  for (const Cidr& range : service_.source_ranges) {
    if (range.family() != family_) continue;
    rules.push_back(what + "-s " + range.text() + " -j " + external);
    from_node = from_node || std::any_of(node_.addresses.begin(), node_.addresses.end(),
                                         [&](const Address& a) { return range.contains(a); });
  }
  // Where the address is the node's own, its packets to it bear it as their source, too.
  for (const std::string& address : own(service_.ingress_ips)) {
    if (from_node) rules.push_back(what + "-s " + address + " -j " + external);
  }
  rules.push_back("-m comment --comment \"other traffic to " + port.name +
                  " will be dropped by KUBE-PROXY-FIREWALL\"");
  std::string name = chain("KUBE-FW-", port);
  rules_.chains[name] = std::move(rules);
  return name;
}

void Builder::add_load_balancer(const Port& port, const std::string& external) {
  std::vector<std::string> addresses = own(service_.ingress_ips);
  bool guarded = !service_.source_ranges.empty() && !addresses.empty() && !external.empty();
  std::string entry = guarded ? firewall_chain(port, external) : external;
  for (const std::string& address : addresses) {
    std::string to = match(address, port.port.protocol, port.port.port);
    if (!entry.empty()) {
      add(kServices, address, port.port, port.port.port,
          to + comment(port.name + " loadbalancer IP") + "-j " + entry);
    }
    if (guarded) {
      add(kFirewall, address, port.port, port.port.port,
          to + comment(port.name + " traffic not accepted by " + entry) + "-j DROP");
    }
    if (!port.external_refusal.empty()) {
      add(kExternalRefusals, address, port.port, port.port.port, to + port.external_refusal);
    }
  }
}

void Builder::add_node_port(const Port& port, const std::string& external) {
  uint16_t number = port.port.node_port;
  if (number == 0) return;
  std::string to = match("", port.port.protocol, number);
  if (!external.empty()) {
    add(kNodePorts, "", port.port, number, to + comment(port.name) + "-j " + external);
  }
  if (!port.external_refusal.empty()) {
    add(kExternalRefusals, "", port.port, number,
        to + "-m addrtype --dst-type LOCAL " + port.external_refusal);
  }
}

void Builder::add_external(const Port& port) {
  std::string external = external_chain(port);
  for (const std::string& address : own(service_.external_ips)) {
    std::string to = match(address, port.port.protocol, port.port.port);
    if (!external.empty()) {
      add(kServices, address, port.port, port.port.port,
          to + comment(port.name + " external IP") + "-j " + external);
    }
    if (!port.external_refusal.empty()) {
      add(kExternalRefusals, address, port.port, port.port.port, to + port.external_refusal);
    }
  }
  add_load_balancer(port, external);
  add_node_port(port, external);
  if (service_.health_check_node_port != 0) {
    ServicePort health{.protocol = "tcp"};
    add(kHealthPorts, "", health, service_.health_check_node_port,
        match("", "tcp", service_.health_check_node_port) +
            comment(service_.key + " health check node port") + "-j ACCEPT");
  }
}

void Builder::add_port(const ServicePort& service_port, const Targets& targets) {
  std::string name = service_.key + (service_port.name.empty() ? "" : ":" + service_port.name);
  Port port{service_port, targets, std::move(name), "", "", "", ""};
  bool external = has_external(service_port);
  bool use_local = service_.internal_local || (external && service_.external_local);
  if (!service_.internal_local || external) {
    port.cluster_chain = spread_chain(port, "KUBE-SVC-", targets.cluster);
  }
  if (use_local) port.local_chain = spread_chain(port, "KUBE-SVL-", targets.local);
  choose_refusals(port, external);
  external_ = false;
  add_internal(port);
  external_ = true;
  if (external) add_external(port);
}

}  // namespace

IptablesRules build_iptables_rules(const ServiceFacts& service, std::span<const SliceFacts> slices,
                                   const NodeFacts& node, const Settings& settings, Family family) {
  bool concerned = std::any_of(service.cluster_ips.begin(), service.cluster_ips.end(),
                               [&](const Address& a) { return a.family() == family; });
  if (!concerned || !has_safe_names(service)) return {};
  Builder builder(service, node, settings, family);
  for (const ServicePort& port : service.ports) {
    builder.add_port(port, select_targets(port, slices, node, family));
  }
  return builder.take();
}

bool is_service_chain(std::string_view name) {
  return std::any_of(std::begin(kServiceChains), std::end(kServiceChains),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

}  // namespace tiphys::proxy
