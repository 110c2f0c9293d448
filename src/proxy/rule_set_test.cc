#include "proxy/rule_set.h"

#include <gtest/gtest.h>

#include <regex>

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
  // Applies the present facts; answers the transaction, with long texts abbreviated.
  std::string apply() {
    rules.set(web.key, build());
    std::string text = rules.take_transaction();
    auto shorten = [&](const char* what, const char* to) {
      text = std::regex_replace(text, std::regex(what), to);
    };
    shorten("type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service;", "FRONT");
    shorten("type inet_proto . inet_service : ipv4_addr . inet_service;", "NODEPORT");
    shorten("meta l4proto @transport-protocols dnat to", "DNAT");
    shorten("meta l4proto . th dport", "PORT");
    return text;
  }
  // What stands under the key in the map; "none" if nothing does.
  std::string element(std::string_view map, const char* key) {
    ServiceRules built = build();
    std::string found = "none";
    auto at = built.fronts.find(key);
    if (at == built.fronts.end()) return found;
    for_each_element(at->second, [&](const std::string& name, const std::string& value) {
      if (name == map) found = value;
    });
    return found;
  }
  ServiceRules build_as(std::string name, std::string_view cluster_ip) {
    ServiceFacts other = web;
    other.key = std::move(name);
    other.cluster_ips = {ip(cluster_ip)};
    return build_service_rules(other, {&slice, 1}, node, settings, family);
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

constexpr const char* kFront = "10.43.0.5 . tcp . 80";

TEST_F(RuleSetTest, ClusterIpWithTwoEndpoints) {
  slice.endpoints = {ready("10.42.0.7"), ready("10.42.1.7", "n2")};
  EXPECT_EQ(apply(),
            R"(add map ip t endpoints-0 { FRONT }
add map ip t nodeport-endpoints-0 { NODEPORT }
add chain ip t endpoint-0
add map ip t endpoints-1 { FRONT }
add map ip t nodeport-endpoints-1 { NODEPORT }
add chain ip t endpoint-1
add chain ip t spread-2
add rule ip t endpoint-0 DNAT ip daddr . PORT map @endpoints-0
add rule ip t endpoint-0 DNAT PORT map @nodeport-endpoints-0
add rule ip t endpoint-1 DNAT ip daddr . PORT map @endpoints-1
add rule ip t endpoint-1 DNAT PORT map @nodeport-endpoints-1
add rule ip t endpoint-1 goto endpoint-0
add rule ip t spread-2 numgen random mod 2 vmap { 0 : goto endpoint-0, 1 : goto endpoint-1 }
add element ip t cluster-ips { 10.43.0.5 }
add element ip t endpoints-0 { 10.43.0.5 . tcp . 80 : 10.42.0.7 . 8080 }
add element ip t endpoints-1 { 10.43.0.5 . tcp . 80 : 10.42.1.7 . 8080 }
add element ip t hairpin { 10.42.0.7 . 10.42.0.7 }
add element ip t service-ips { 10.43.0.5 . tcp . 80 : goto spread-2 }
)");
}

TEST_F(RuleSetTest, ASecondServiceIsElementsOnly) {
  slice.endpoints = {ready("10.42.0.7", "n2")};
  apply();
  rules.set("default/xeb", build_as("default/xeb", "10.43.0.6"));
  Changes changes = rules.take_changes();
  EXPECT_TRUE(changes.elements_only());
  EXPECT_EQ(changes.removed, std::vector<ElementChange>());
  EXPECT_EQ(changes.added,
            (std::vector<ElementChange>{{"cluster-ips", "10.43.0.6", ""},
                                        {"endpoints-0", "10.43.0.6 . tcp . 80", "10.42.0.7 . 8080"},
                                        {"service-ips", "10.43.0.6 . tcp . 80", "goto spread-1"}}));
  rules.erase(web.key);
  EXPECT_TRUE(rules.take_changes().elements_only()) << "the chains are still in use";
  EXPECT_NE(rules.take_full(node).text("ip t").find("add chain ip t spread-1\n"),
            std::string::npos);
  rules.erase("default/xeb");
  EXPECT_TRUE(rules.take_changes().elements_only());
  std::string text = rules.take_full(node).text("ip t");
  EXPECT_NE(text.find("add chain ip t external-8\n"), std::string::npos) << "ready";
  EXPECT_EQ(text.find("spread-9"), std::string::npos);
}

TEST_F(RuleSetTest, UnusedSharedChainsWaitAndGoWhenTheyAreMany) {
  auto scale = [&](size_t count) {
    slice.endpoints.clear();
    for (size_t i = 0; i < count; ++i) {
      slice.endpoints.push_back(ready("10.42.1." + std::to_string(i), "n2"));
    }
    return apply();
  };
  auto has = [](const std::string& text, const char* what) {
    return text.find(what) != std::string::npos;
  };
  scale(13);
  EXPECT_TRUE(has(scale(12), "add chain ip t spread-12\n"));
  EXPECT_FALSE(has(scale(13), "chain"));
  EXPECT_FALSE(has(scale(12), "chain"));
  scale(12 + kMaxIdleChains);
  EXPECT_FALSE(has(scale(12), "chain")) << "these are idle: too many, but nothing has to be made";
  std::string text = scale(14);
  EXPECT_TRUE(has(text, "add chain ip t spread-14\n"));
  EXPECT_TRUE(has(text, "delete chain ip t spread-76\n"));
  EXPECT_TRUE(has(text, "delete chain ip t spread-12\n"));
  EXPECT_TRUE(has(text, "delete chain ip t endpoint-14\n"));
  EXPECT_TRUE(has(text, "delete map ip t nodeport-endpoints-75\n"));
  EXPECT_FALSE(has(text, "delete chain ip t endpoint-3\n"));
}

TEST_F(RuleSetTest, NothingChangedIsNothing) {
  slice.endpoints = {ready("10.42.0.7")};
  EXPECT_NE(apply(), "");
  EXPECT_EQ(apply(), "");
}

TEST_F(RuleSetTest, AReplacedEndpointIsTwoElements) {
  for (const char* address : {"10.42.1.1", "10.42.1.2", "10.42.1.3"}) {
    slice.endpoints.push_back(ready(address, "n2"));
  }
  apply();
  slice.endpoints.front() = ready("10.42.1.9", "n2");
  EXPECT_EQ(apply(),
            "delete element ip t endpoints-0 { 10.43.0.5 . tcp . 80 }\n"
            "add element ip t endpoints-0 { 10.43.0.5 . tcp . 80 : 10.42.1.9 . 8080 }\n");
  EXPECT_EQ(apply(), "");
}

TEST_F(RuleSetTest, LastEndpointGoneRejectsAndForgets) {
  slice.endpoints = {ready("10.42.0.7")};
  apply();
  slice.endpoints.clear();
  EXPECT_EQ(apply(),
            R"(delete element ip t endpoints-0 { 10.43.0.5 . tcp . 80 }
delete element ip t hairpin { 10.42.0.7 . 10.42.0.7 }
delete element ip t service-ips { 10.43.0.5 . tcp . 80 }
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
  EXPECT_EQ(element("no-endpoint-services", kFront), "goto reject-chain");
  EXPECT_EQ(refused_endpoints({&slice, 1}),
            (std::vector<Address>{ip("127.0.0.1"), ip("169.254.169.254")}));
}

TEST_F(RuleSetTest, PortsWithoutNumberAreHarmless) {
  slice.ports.clear();
  slice.endpoints = {ready("10.42.0.7")};
  EXPECT_EQ(element("no-endpoint-services", kFront), "goto reject-chain");
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
  for (EndpointFacts& e : slice.endpoints) e.ready = false, e.terminating = true;
  EXPECT_EQ(select_targets(web.ports[0], {&slice, 1}, node, family).cluster.size(), 2u);
  for (EndpointFacts& e : slice.endpoints) e.ready = true, e.terminating = false;
  node.zone = "c";
  EXPECT_EQ(select_targets(web.ports[0], {&slice, 1}, node, family).cluster.size(), 2u);
}

TEST_F(RuleSetTest, InternalPolicyLocalDropsWithoutLocalEndpoint) {
  web.internal_local = true;
  slice.endpoints = {ready("10.42.1.7", "n2")};
  EXPECT_EQ(element("no-endpoint-services", kFront), "drop");
  EXPECT_EQ(element("service-ips", kFront), "none");
  slice.endpoints.push_back(ready("10.42.0.7"));
  EXPECT_EQ(element("service-ips", kFront), "goto local-spread-1");
}

TEST_F(RuleSetTest, ExternalPolicyLocalKeepsShortcutForPodsAndNode) {
  web.external_local = true;
  web.ports[0].node_port = 30080;
  slice.endpoints = {ready("10.42.1.7", "n2")};
  EXPECT_EQ(element("service-nodeports", "tcp . 30080"), "goto external-local-1-0");
  EXPECT_EQ(element("no-endpoint-nodeports", "tcp . 30080"), "drop");
  EXPECT_EQ(element("service-ips", kFront), "goto spread-1");
  slice.endpoints.push_back(ready("10.42.0.7"));
  EXPECT_EQ(element("service-nodeports", "tcp . 30080"), "goto external-local-2-1");
  EXPECT_EQ(element("nodeport-local-endpoints-0", "tcp . 30080"), "10.42.0.7 . 8080");
  EXPECT_EQ(element("nodeport-endpoints-1", "tcp . 30080"), "10.42.1.7 . 8080");
  EXPECT_TRUE(build().members.contains({"hairpin", "10.42.1.7 . 10.42.1.7"}))
      << "pods of other nodes pass unmasqueraded here";
}

TEST_F(RuleSetTest, LoadBalancerAndExternalIpsWithSourceRanges) {
  web.ingress_ips = {ip("192.0.2.10")};
  web.external_ips = {ip("198.51.100.4"), ip("127.0.0.1")};
  web.source_ranges = {*Cidr::parse("203.0.113.0/24")};
  slice.endpoints = {ready("10.42.0.7")};
  EXPECT_EQ(element("service-ips", "192.0.2.10 . tcp . 80"), "goto external-1");
  EXPECT_EQ(element("firewall-ips", "192.0.2.10 . tcp . 80").substr(0, 13), "goto firewall");
  EXPECT_EQ(element("service-ips", "198.51.100.4 . tcp . 80"), "goto external-1");
  EXPECT_EQ(element("firewall-ips", "198.51.100.4 . tcp . 80"), "none");
  EXPECT_EQ(element("service-ips", "127.0.0.1 . tcp . 80"), "none");
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
  slice.endpoints = {ready("10.42.0.8")};
  rules.set("default/xeb", build_as("default/xeb", "10.43.0.6"));
  EXPECT_EQ(rules.take_transaction().find("nodeport"), std::string::npos);
  rules.erase(web.key);
  std::string text = rules.take_transaction();
  EXPECT_NE(text.find("add element ip t nodeport-endpoints-0 { tcp . 30080 : 10.42.0.8 . 8080 }"),
            std::string::npos)
      << text;
}

TEST_F(RuleSetTest, NobodysExternalIpTakesAClusterIp) {
  slice.endpoints = {ready("10.42.0.7")};
  ServiceFacts thief = web;
  thief.key = "default/a-thief";
  thief.cluster_ips = {ip("10.43.0.6")};
  thief.external_ips = {ip("10.43.0.5")};
  rules.set(thief.key, build_service_rules(thief, {&slice, 1}, node, settings, family));
  EXPECT_NE(rules.take_transaction().find(kFront), std::string::npos) << "it is nobody's yet";
  slice.endpoints = {ready("10.42.0.8")};
  EXPECT_NE(apply().find("10.43.0.5 . tcp . 80 : 10.42.0.8 . 8080"), std::string::npos);
  rules.set(thief.key, {});
  EXPECT_EQ(rules.take_transaction().find(kFront), std::string::npos);
}

TEST_F(RuleSetTest, ManyEndpointsChangeLittle) {
  for (int i = 0; i < 1000; ++i) {
    slice.endpoints.push_back(
        ready("10.42." + std::to_string(1 + i / 250) + "." + std::to_string(1 + i % 250), "n2"));
  }
  apply();
  slice.endpoints.erase(slice.endpoints.begin());
  rules.set(web.key, build());
  Changes changes = rules.take_changes();
  EXPECT_EQ(changes.removed.size(), 3u) << "the one that goes, the last place, the way there";
  EXPECT_EQ(changes.added.size(), 2u);
  EXPECT_LT(changes.text("ip t").size(), 40000u);
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
  web.affinity_seconds = 60;
  slice.endpoints = {ready("10.42.0.7"), ready("10.42.0.8")};
  ServiceRules built = build();
  EXPECT_EQ(built.chains.size(), 3u);
  for (const auto& [name, unused] : built.chains) EXPECT_LT(name.size(), 256u);
}

TEST_F(RuleSetTest, Ipv6) {
  family = Family::kIpv6;
  web.cluster_ips = {ip("10.43.0.5"), ip("fd43::5")};
  slice.endpoints = {ready("fd42::7")};
  EXPECT_EQ(element("endpoints-0", "fd43::5 . tcp . 80"), "fd42::7 . 8080");
  web.affinity_seconds = 60;
  ServiceRules built = build();
  ASSERT_EQ(built.chains.size(), 2u);
  EXPECT_EQ(built.chains.begin()->second[1], "meta l4proto tcp dnat to [fd42::7]:8080");
}

}  // namespace
}  // namespace tiphys::proxy
