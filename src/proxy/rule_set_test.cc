#include "proxy/rule_set.h"

#include <gtest/gtest.h>

#include <regex>

#include "proxy/conntrack.h"

namespace tiphys::proxy {
namespace {

Address ip(std::string_view text) { return *Address::parse(text); }

EndpointFacts ready(std::string_view address, std::string node = "n1") {
  return {.address = ip(address), .ready = true, .serving = true, .node_name = std::move(node)};
}

class RuleSetTest : public testing::Test {
 protected:
  RuleSetTest() {
    settings.table = "t";
    settings.cluster_cidrs = {*Cidr::parse("10.42.0.0/16")};
    node.name = "n1";
    web.key = "default/web";
    web.cluster_ips = {ip("10.43.0.5")};
    web.ports = {{.name = "http", .protocol = "tcp", .port = 80}};
    slice.ports = {{.name = "http", .protocol = "tcp", .port = 8080}};
  }

  ServiceRules build() { return build_service_rules(web, {&slice, 1}, node, settings, family); }
  // Applies the present facts; answers the transaction with hashes blanked.
  std::string apply() {
    rules.set(web.key, build());
    return std::regex_replace(rules.take_transaction(), std::regex("-[0-9a-f]{10}-"), "-H-");
  }
  std::string verdict(const char* map, const char* key) {
    ServiceRules built = build();
    auto at = built.elements.find({map, key});
    return at == built.elements.end() ? "none" : at->second.substr(0, at->second.find('-'));
  }

  Settings settings;
  NodeFacts node;
  Family family = Family::kIpv4;
  ServiceFacts web;
  SliceFacts slice;
  RuleSet rules{[] {
                  Settings s;
                  s.table = "t";
                  return s;
                }(),
                Family::kIpv4};
};

TEST_F(RuleSetTest, ClusterIpWithTwoEndpoints) {
  slice.endpoints = {ready("10.42.0.7"), ready("10.42.1.7", "n2")};
  const std::string service = "service-H-default/web/tcp/http";
  const std::string first = "endpoint-H-default/web/tcp/http__10.42.0.7/8080";
  const std::string second = "endpoint-H-default/web/tcp/http__10.42.1.7/8080";
  const std::string chain = "add chain ip t ", rule = "add rule ip t ";
  EXPECT_EQ(apply(),
            chain + first + "\n" + chain + second + "\n" + chain + service + "\n" +  //
                rule + first + " ip saddr 10.42.0.7 jump mark-for-masquerade\n" + rule + first +
                " meta l4proto tcp dnat to 10.42.0.7:8080\n" + rule + second +
                " ip saddr 10.42.1.7 jump mark-for-masquerade\n" + rule + second +
                " meta l4proto tcp dnat to 10.42.1.7:8080\n" + rule + service +
                " ip daddr 10.43.0.5 tcp dport 80 ip saddr != " +
                "{ 10.42.0.0/16 } jump mark-for-masquerade\n" + rule + service +
                " numgen random mod 2 vmap { 0 : goto " + first + ", 1 : goto " + second + " }\n" +
                "add element ip t cluster-ips { 10.43.0.5 }\n" +
                "add element ip t service-ips { 10.43.0.5 . tcp . 80 : goto " + service + " }\n");
}

TEST_F(RuleSetTest, NothingChangedIsNothing) {
  slice.endpoints = {ready("10.42.0.7")};
  EXPECT_NE(apply(), "");
  EXPECT_EQ(apply(), "");
}

TEST_F(RuleSetTest, OneEndpointMoreTouchesOnlyItsChains) {
  slice.endpoints = {ready("10.42.0.7")};
  apply();
  slice.endpoints.push_back(ready("10.42.0.8"));
  std::string text = apply();
  EXPECT_EQ(text.find("add element"), std::string::npos) << text;
  EXPECT_EQ(text.find("10.42.0.7 jump"), std::string::npos) << text;
  EXPECT_NE(text.find("flush chain ip t service-H-default/web/tcp/http\n"), std::string::npos);
}

TEST_F(RuleSetTest, LastEndpointGoneRejectsAndForgets) {
  slice.endpoints = {ready("10.42.0.7")};
  apply();
  slice.endpoints.clear();
  EXPECT_EQ(apply(),
            R"(flush chain ip t endpoint-H-default/web/tcp/http__10.42.0.7/8080
flush chain ip t service-H-default/web/tcp/http
delete element ip t service-ips { 10.43.0.5 . tcp . 80 }
delete chain ip t endpoint-H-default/web/tcp/http__10.42.0.7/8080
delete chain ip t service-H-default/web/tcp/http
add element ip t no-endpoint-services { 10.43.0.5 . tcp . 80 : goto reject-chain }
)");
  rules.erase(web.key);
  EXPECT_EQ(rules.take_transaction(),
            "delete element ip t cluster-ips { 10.43.0.5 }\n"
            "delete element ip t no-endpoint-services { 10.43.0.5 . tcp . 80 }\n");
}

TEST_F(RuleSetTest, ChangedAndChangedBackBetweenTransactionsIsNothing) {
  slice.endpoints = {ready("10.42.0.7")};
  apply();
  rules.erase(web.key);
  EXPECT_EQ(apply(), "");
}

TEST_F(RuleSetTest, cve_2021_25737_forbidden_endpoints_are_ignored) {
  slice.endpoints = {ready("127.0.0.1"), ready("169.254.169.254")};
  EXPECT_EQ(verdict("no-endpoint-services", "10.43.0.5 . tcp . 80"), "goto reject");
}

TEST_F(RuleSetTest, PortsWithoutNumberAreHarmless) {
  slice.ports.clear();
  slice.endpoints = {ready("10.42.0.7")};
  EXPECT_EQ(verdict("no-endpoint-services", "10.43.0.5 . tcp . 80"), "goto reject");
}

TEST_F(RuleSetTest, TerminatingEndpointsServeOnlyWhenNobodyElseDoes) {
  EndpointFacts leaving = ready("10.42.0.9");
  leaving.ready = false;
  leaving.terminating = true;
  slice.endpoints = {leaving, ready("10.42.0.7")};
  Targets targets = select_targets(web.ports[0], {&slice, 1}, node, family);
  EXPECT_EQ(targets.cluster, (std::vector<Target>{{ip("10.42.0.7"), 8080}}));
  slice.endpoints = {leaving};
  targets = select_targets(web.ports[0], {&slice, 1}, node, family);
  EXPECT_EQ(targets.cluster, (std::vector<Target>{{ip("10.42.0.9"), 8080}}));
  slice.endpoints[0].serving = false;
  EXPECT_TRUE(select_targets(web.ports[0], {&slice, 1}, node, family).cluster.empty());
}

TEST_F(RuleSetTest, HintsKeepTrafficNearIfEveryEndpointHasOne) {
  node.zone = "a";
  slice.endpoints = {ready("10.42.0.7"), ready("10.42.1.7", "n2")};
  slice.endpoints[0].zone_hints = {"a"};
  EXPECT_EQ(select_targets(web.ports[0], {&slice, 1}, node, family).cluster.size(), 2u);
  slice.endpoints[1].zone_hints = {"b"};
  EXPECT_EQ(select_targets(web.ports[0], {&slice, 1}, node, family).cluster.size(), 1u);
  node.zone = "c";
  EXPECT_EQ(select_targets(web.ports[0], {&slice, 1}, node, family).cluster.size(), 2u);
}

TEST_F(RuleSetTest, InternalPolicyLocalDropsWithoutLocalEndpoint) {
  web.internal_local = true;
  slice.endpoints = {ready("10.42.1.7", "n2")};
  EXPECT_EQ(verdict("no-endpoint-services", "10.43.0.5 . tcp . 80"), "drop");
  EXPECT_EQ(verdict("service-ips", "10.43.0.5 . tcp . 80"), "none");
  slice.endpoints.push_back(ready("10.42.0.7"));
  EXPECT_EQ(verdict("service-ips", "10.43.0.5 . tcp . 80"), "goto local");
}

TEST_F(RuleSetTest, ExternalPolicyLocalKeepsShortcutForPodsAndNode) {
  web.external_local = true;
  web.ports[0].node_port = 30080;
  slice.endpoints = {ready("10.42.1.7", "n2")};
  EXPECT_EQ(verdict("service-nodeports", "tcp . 30080"), "goto external");
  EXPECT_EQ(verdict("no-endpoint-nodeports", "tcp . 30080"), "drop");
  EXPECT_EQ(verdict("service-ips", "10.43.0.5 . tcp . 80"), "goto service");
}

TEST_F(RuleSetTest, LoadBalancerAndExternalIpsWithSourceRanges) {
  web.ingress_ips = {ip("192.0.2.10")};
  web.external_ips = {ip("198.51.100.4"), ip("127.0.0.1")};
  web.source_ranges = {*Cidr::parse("203.0.113.0/24")};
  slice.endpoints = {ready("10.42.0.7")};
  EXPECT_EQ(verdict("service-ips", "192.0.2.10 . tcp . 80"), "goto external");
  EXPECT_EQ(verdict("firewall-ips", "192.0.2.10 . tcp . 80"), "goto firewall");
  EXPECT_EQ(verdict("service-ips", "198.51.100.4 . tcp . 80"), "goto external");
  EXPECT_EQ(verdict("firewall-ips", "198.51.100.4 . tcp . 80"), "none");
  EXPECT_EQ(verdict("service-ips", "127.0.0.1 . tcp . 80"), "none");
}

TEST_F(RuleSetTest, AffinityTimeoutChangeRemakesTheSet) {
  web.affinity_seconds = 60;
  slice.endpoints = {ready("10.42.0.7")};
  EXPECT_NE(apply().find("flags dynamic,timeout; timeout 60s"), std::string::npos);
  web.affinity_seconds = 90;
  std::string text = apply();
  size_t deleted = text.find("delete set"), added = text.find("add set");
  EXPECT_LT(deleted, added);
  EXPECT_NE(added, std::string::npos) << text;
}

TEST_F(RuleSetTest, TwoClaimsOnOneNodePortPassOn) {
  web.ports[0].node_port = 30080;
  slice.endpoints = {ready("10.42.0.7")};
  apply();
  ServiceFacts other = web;
  other.key = "default/xeb";
  other.cluster_ips = {ip("10.43.0.6")};
  rules.set(other.key, build_service_rules(other, {&slice, 1}, node, settings, family));
  EXPECT_EQ(rules.take_transaction().find("service-nodeports"), std::string::npos);
  rules.erase(web.key);
  std::string text = rules.take_transaction();
  EXPECT_NE(text.find("delete element ip t service-nodeports { tcp . 30080 }"), std::string::npos);
  EXPECT_NE(text.find("add element ip t service-nodeports { tcp . 30080 : goto external-"),
            std::string::npos)
      << text;
}

TEST_F(RuleSetTest, HostileNamesNeverReachNft) {
  web.key = "default/web { } ; flush ruleset";
  EXPECT_TRUE(build().empty());
  web.key = "default/web";
  web.ports[0].name = "x\nflush ruleset";
  EXPECT_TRUE(build().empty());
}

TEST_F(RuleSetTest, LongNamesStayUniqueAndShort) {
  web.key = std::string(63, 'n') + "/" + std::string(190, 's');
  slice.endpoints = {ready("10.42.0.7"), ready("10.42.0.8")};
  ServiceRules built = build();
  EXPECT_EQ(built.chains.size(), 3u);
  for (const auto& [name, unused] : built.chains) EXPECT_LT(name.size(), 256u);
}

TEST_F(RuleSetTest, Ipv6EndpointsStandInBrackets) {
  family = Family::kIpv6;
  web.cluster_ips = {ip("10.43.0.5"), ip("fd43::5")};
  slice.endpoints = {ready("fd42::7")};
  ServiceRules built = build();
  ASSERT_EQ(built.chains.size(), 2u);
  EXPECT_EQ(built.chains.begin()->second[1], "meta l4proto tcp dnat to [fd42::7]:8080");
}

TEST_F(RuleSetTest, UdpFlowsOfLostEndpointsAreCleared) {
  web.ports = {{.name = "dns", .protocol = "udp", .port = 53}};
  slice.ports = {{.name = "dns", .protocol = "udp", .port = 53}};
  slice.endpoints = {ready("10.42.0.7"), ready("10.42.0.8")};
  ServiceRules before = build();
  slice.endpoints.pop_back();
  ServiceRules after = build();
  auto commands = stale_udp_flows(before, after, family);
  ASSERT_EQ(commands.size(), 1u);
  EXPECT_EQ(commands[0], (std::vector<std::string>{"conntrack", "-D", "-f", "ipv4", "-p", "udp",
                                                   "--orig-dst", "10.43.0.5", "--orig-port-dst",
                                                   "53", "--reply-src", "10.42.0.8"}));
  EXPECT_TRUE(stale_udp_flows(after, after, family).empty());
  EXPECT_EQ(stale_udp_flows({}, after, family).size(), 1u);
}

}  // namespace
}  // namespace tiphys::proxy
