#include "proxy/base_rules.h"

#include <cstdio>

#include "proxy/shared_chains.h"

namespace tiphys::proxy {
namespace {

class Lines {
 public:
  Lines(const Settings& settings, Family family)
      : table_(table_ref(settings, family)),
        ip_(family == Family::kIpv4 ? "ip" : "ip6"),
        address_type_(family == Family::kIpv4 ? "ipv4_addr" : "ipv6_addr") {
    char text[16];
    std::snprintf(text, sizeof text, "0x%x", settings.mark_bit);
    mark_ = text;
  }

  void map(const std::string& name, const std::string& key) {
    lines_.push_back("add map " + table_ + " " + name + " { type " + key + " : verdict; }");
  }
  void set(const std::string& name, const std::string& spec) {
    lines_.push_back("add set " + table_ + " " + name + " { type " + spec + "; }");
  }
  void chain(const std::string& name) { lines_.push_back("add chain " + table_ + " " + name); }
  void hook(const std::string& name, const std::string& spec) {
    lines_.push_back("add chain " + table_ + " " + name + " { type " + spec + "; policy accept; }");
  }
  void rule(const std::string& chain, const std::string& text) {
    lines_.push_back("add rule " + table_ + " " + chain + " " + text);
  }
  void maps(Family family);
  void masquerading(const Settings& settings, const NodeFacts& node, Family family);
  void services(const Settings& settings, Family family);
  void endpoint_checks(const std::string& node_port);
  void cluster_ip_checks(const NodeFacts& node, Family family);
  void loopback_guard(Family family);
  std::vector<std::string> take() { return std::move(lines_); }

 private:
  std::string front_key() const { return ip_ + " daddr . meta l4proto . th dport"; }

  std::string table_;
  std::string ip_;
  std::string address_type_;
  std::string mark_;
  std::vector<std::string> lines_;
};

void Lines::maps(Family family) {
  std::string front = front_map_type(false, family), node_port = front_map_type(true, family);
  map("service-ips", front);
  map("service-nodeports", node_port);
  map("no-endpoint-services", front);
  map("no-endpoint-nodeports", node_port);
  map("firewall-ips", front);
  set("cluster-ips", address_type_);
  set("hairpin", address_type_ + " . " + address_type_);
  set("transport-protocols", "inet_proto; elements = { tcp, udp, sctp }");
}

void Lines::masquerading(const Settings& settings, const NodeFacts& node, Family family) {
  chain("mark-for-masquerade");
  rule("mark-for-masquerade", "meta mark set meta mark or " + mark_);
  chain("masquerading");
  // A pod that reaches itself through a Service has to see replies from somebody else.
  rule("masquerading", "ct status dnat " + ip_ + " saddr . " + ip_ +
                           " daddr @hairpin meta mark set meta mark or " + mark_);
  if (settings.masquerade_same_node) {
    for (const Cidr& cidr : node.pod_cidrs) {
      if (cidr.family() != family) continue;
      rule("masquerading", "ct status dnat " + ip_ + " saddr " + cidr.text() + " " + ip_ +
                               " daddr " + cidr.text() + " meta mark set meta mark or " + mark_);
    }
  }
  rule("masquerading", "meta mark and " + mark_ + " == 0 return");
  rule("masquerading", "meta mark set meta mark xor " + mark_);
  rule("masquerading", "masquerade fully-random");
  hook("nat-postrouting", "nat hook postrouting priority srcnat");
  rule("nat-postrouting", "jump masquerading");
}

// What makes a packet one for a NodePort: it goes to an address of this node, never to loopback.
std::string node_port_match(const Settings& settings, Family family) {
  std::string ip = family == Family::kIpv4 ? "ip" : "ip6";
  std::string match = "fib daddr type local " + ip + " daddr ";
  std::string ours = cidr_list(settings.node_port_cidrs, family);
  if (!ours.empty()) return match + "{ " + ours + " } ";
  return match + (family == Family::kIpv4 ? "!= 127.0.0.0/8 " : "!= ::1 ");
}

void Lines::services(const Settings& settings, Family family) {
  chain("services");
  std::string sources = cidr_list(settings.cluster_cidrs, family);
  std::string elsewhere = sources.empty() ? "" : ip_ + " saddr != { " + sources + " } ";
  if (!settings.local_interface.empty()) {
    elsewhere = "iifname != " + interface_pattern(settings) + " ";
  }
  if (settings.masquerade_all) elsewhere.clear();
  if (settings.masquerade_all || !elsewhere.empty()) {
    rule("services", ip_ + " daddr @cluster-ips " + elsewhere + "jump mark-for-masquerade");
  }
  rule("services", front_key() + " vmap @service-ips");
  rule("services",
       node_port_match(settings, family) + "meta l4proto . th dport vmap @service-nodeports");
  hook("nat-prerouting", "nat hook prerouting priority dstnat");
  rule("nat-prerouting", "jump services");
  hook("nat-output", "nat hook output priority -100");
  rule("nat-output", "jump services");
}

// After translation: what still goes to a service's address has nowhere to go.
void Lines::endpoint_checks(const std::string& node_port) {
  chain("service-endpoints-check");
  rule("service-endpoints-check", front_key() + " vmap @no-endpoint-services");
  chain("nodeport-endpoints-check");
  rule("nodeport-endpoints-check",
       node_port + "meta l4proto . th dport vmap @no-endpoint-nodeports");
  hook("filter-input", "filter hook input priority filter");
  rule("filter-input", "ct state new jump nodeport-endpoints-check");
  rule("filter-input", "ct state new jump service-endpoints-check");
  hook("filter-forward", "filter hook forward priority filter");
  rule("filter-forward", "ct state new jump service-endpoints-check");
  rule("filter-forward", "ct state new jump cluster-ips-check");
  hook("filter-output", "filter hook output priority filter");
  rule("filter-output", "ct state new jump nodeport-endpoints-check");
  rule("filter-output", "ct state new jump service-endpoints-check");
  rule("filter-output", "ct state new jump cluster-ips-check");
  hook("firewall-prerouting", "filter hook prerouting priority -110");
  rule("firewall-prerouting", "ct state new " + front_key() + " vmap @firewall-ips");
  hook("firewall-output", "filter hook output priority -110");
  rule("firewall-output", "ct state new " + front_key() + " vmap @firewall-ips");
}

// Other ports of ClusterIPs are refused; addresses that no Service has (yet, or any more) are not
// let out to wherever else they may lead.
void Lines::cluster_ip_checks(const NodeFacts& node, Family family) {
  chain("reject-chain");
  // A reset, as an ICMP error within the same machine reaches a connecting socket while it is
  // locked and would only count after the next SYN, a second later.
  rule("reject-chain", "meta l4proto tcp reject with tcp reset");
  rule("reject-chain", "reject");
  chain("cluster-ips-check");
  rule("cluster-ips-check", ip_ + " daddr @cluster-ips goto reject-chain");
  std::string ranges = cidr_list(node.service_cidrs, family);
  if (!ranges.empty()) rule("cluster-ips-check", ip_ + " daddr { " + ranges + " } drop");
}

// CVE-2020-8558: nobody else may reach what listens on 127.0.0.1, whatever route_localnet says.
void Lines::loopback_guard(Family family) {
  if (family != Family::kIpv4) return;
  hook("loopback-guard", "filter hook prerouting priority raw");
  rule("loopback-guard", "iifname != \"lo\" ip daddr 127.0.0.0/8 drop");
}

}  // namespace

std::string interface_pattern(const Settings& settings) {
  std::string name = settings.local_interface;
  if (name.ends_with('+')) name.back() = '*';
  return "\"" + name + "\"";
}

std::string table_ref(const Settings& settings, Family family) {
  return (family == Family::kIpv4 ? "ip " : "ip6 ") + settings.table;
}

std::vector<std::string> base_rules(const Settings& settings, const NodeFacts& node,
                                    Family family) {
  Lines lines(settings, family);
  lines.maps(family);
  lines.masquerading(settings, node, family);
  lines.services(settings, family);
  lines.cluster_ip_checks(node, family);
  lines.endpoint_checks(node_port_match(settings, family));
  lines.loopback_guard(family);
  return lines.take();
}

}  // namespace tiphys::proxy
