#include "proxy/iptables_base.h"

#include <algorithm>
#include <cstdio>

namespace tiphys::proxy {
namespace {

#define NEW_CONNECTIONS "-m conntrack --ctstate NEW -m comment --comment "
constexpr Jump kJumps[] = {
    {"filter",
     "INPUT " NEW_CONNECTIONS "\"kubernetes load balancer firewall\" -j KUBE-PROXY-FIREWALL"},
    {"filter",
     "INPUT -m comment --comment \"kubernetes health check service ports\" "
     "-j KUBE-NODEPORTS"},
    {"filter", "INPUT " NEW_CONNECTIONS
               "\"kubernetes externally-visible service portals\" -j KUBE-EXTERNAL-SERVICES"},
    {"filter", "INPUT -j KUBE-FIREWALL"},
    {"filter",
     "FORWARD " NEW_CONNECTIONS "\"kubernetes load balancer firewall\" -j KUBE-PROXY-FIREWALL"},
    {"filter", "FORWARD -m comment --comment \"kubernetes forwarding rules\" -j KUBE-FORWARD"},
    {"filter", "FORWARD " NEW_CONNECTIONS "\"kubernetes service portals\" -j KUBE-SERVICES"},
    {"filter", "FORWARD " NEW_CONNECTIONS
               "\"kubernetes externally-visible service portals\" -j KUBE-EXTERNAL-SERVICES"},
    {"filter",
     "OUTPUT " NEW_CONNECTIONS "\"kubernetes load balancer firewall\" -j KUBE-PROXY-FIREWALL"},
    {"filter", "OUTPUT " NEW_CONNECTIONS "\"kubernetes service portals\" -j KUBE-SERVICES"},
    // Upstream leaves this one out: there a node's own packets to such an address go astray.
    {"filter", "OUTPUT " NEW_CONNECTIONS
               "\"kubernetes externally-visible service portals\" -j KUBE-EXTERNAL-SERVICES"},
    {"filter", "OUTPUT -j KUBE-FIREWALL"},
    {"nat", "OUTPUT -m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES"},
    {"nat", "PREROUTING -m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES"},
    {"nat",
     "POSTROUTING -m comment --comment \"kubernetes postrouting rules\" "
     "-j KUBE-POSTROUTING"},
};
#undef NEW_CONNECTIONS

constexpr std::string_view kFilterChains[] = {"KUBE-SERVICES",       "KUBE-EXTERNAL-SERVICES",
                                              "KUBE-FORWARD",        "KUBE-NODEPORTS",
                                              "KUBE-PROXY-FIREWALL", kLocalnetChain};
constexpr std::string_view kNatChains[] = {"KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-POSTROUTING",
                                           "KUBE-MARK-MASQ"};

using Rules = std::vector<std::string>;

std::string mark_text(const Settings& settings) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%08x", settings.mark_bit);
  return text;
}

void add_postrouting(const Settings& settings, const NodeFacts& node, Family family, Rules& out) {
  std::string mark = mark_text(settings);
  std::string chain = "-A KUBE-POSTROUTING ";
  for (const Cidr& range : node.pod_cidrs) {
    if (!settings.masquerade_same_node || range.family() != family) continue;
    out.push_back(chain + "-m conntrack --ctstate DNAT -s " + range.text() + " -d " + range.text() +
                  " -j MARK --or-mark " + mark);
  }
  out.push_back(chain + "-m mark ! --mark " + mark + "/" + mark + " -j RETURN");
  // Else a packet that passes again would be masqueraded again.
  out.push_back(chain + "-j MARK --xor-mark " + mark);
  out.push_back(chain +
                "-m comment --comment \"kubernetes service traffic requiring SNAT\" "
                "-j MASQUERADE --random-fully");
  out.push_back("-A KUBE-MARK-MASQ -j MARK --or-mark " + mark);
}

void add_node_ports(const Settings& settings, Family family, Rules& out) {
  std::string rule =
      "-A KUBE-SERVICES -m comment --comment \"kubernetes service nodeports; NOTE: this must be "
      "the last rule in this chain\" ";
  std::string end = "-m addrtype --dst-type LOCAL -j KUBE-NODEPORTS";
  // Never on loopback: that would need route_localnet, and so would CVE-2020-8558.
  std::string loopback = family == Family::kIpv4 ? "127.0.0.0/8" : "::1/128";
  bool chosen = std::any_of(settings.node_port_cidrs.begin(), settings.node_port_cidrs.end(),
                            [&](const Cidr& range) { return range.family() == family; });
  if (!chosen) {
    out.push_back(rule + "! -d " + loopback + " " + end);
    return;
  }
  out.push_back("-A KUBE-SERVICES -d " + loopback + " -j RETURN");
  for (const Cidr& range : settings.node_port_cidrs) {
    if (range.family() == family) out.push_back(rule + "-d " + range.text() + " " + end);
  }
}

void add_filter(const Settings& settings, Family family, Rules& out) {
  std::string mark = mark_text(settings);
  std::string chain = "-A KUBE-FORWARD ";
  if (!settings.conntrack_liberal) {
    out.push_back(chain + "-m conntrack --ctstate INVALID -j DROP");
  }
  out.push_back(chain + "-m comment --comment \"kubernetes forwarding rules\" -m mark --mark " +
                mark + "/" + mark + " -j ACCEPT");
  out.push_back(chain +
                "-m comment --comment \"kubernetes forwarding conntrack rule\" "
                "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT");
  if (family != Family::kIpv4) return;
  // CVE-2020-8558: nobody else may reach what listens on 127.0.0.1.
  out.push_back(
      "-A KUBE-FIREWALL ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment "
      "\"block incoming localnet connections\" -m conntrack ! --ctstate "
      "RELATED,ESTABLISHED,DNAT -j DROP");
}

}  // namespace

std::string canary_rule(const Settings& settings) {
  return "-A " + std::string(kCanaryChain) + " -m comment --comment \"sings while the rules of " +
         settings.table + " stand\" -j RETURN";
}

std::span<const Jump> iptables_jumps() { return kJumps; }

std::span<const std::string_view> iptables_shared_chains(std::string_view table) {
  if (table == "nat") return kNatChains;
  return kFilterChains;
}

std::vector<std::string> iptables_fixed_rules(std::string_view table, const Settings& settings,
                                              const NodeFacts& node, Family family) {
  Rules rules;
  if (table == "nat") {
    add_postrouting(settings, node, family, rules);
    add_node_ports(settings, family, rules);
  } else {
    add_filter(settings, family, rules);
  }
  return rules;
}

}  // namespace tiphys::proxy
