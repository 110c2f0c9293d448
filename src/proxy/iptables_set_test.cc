#include "proxy/iptables_set.h"

#include <gtest/gtest.h>

namespace tiphys::proxy {
namespace {

Address ip(const char* text) { return *Address::parse(text); }

class IptablesSetTest : public testing::Test {
 protected:
  IptablesSetTest() {
    web.key = "default/web";
    web.cluster_ips = {ip("10.43.0.5")};
    web.ports = {{.name = "http", .protocol = "tcp", .port = 80, .node_port = 30080}};
    settings.cluster_cidrs = {*Cidr::parse("10.42.0.0/16")};
    set_endpoints({"10.42.0.11"});
  }
  void set_endpoints(const std::vector<const char*>& addresses) {
    slice.ports = {{.name = "http", .protocol = "tcp", .port = 8080}};
    slice.endpoints.clear();
    for (const char* address : addresses) {
      slice.endpoints.push_back({.address = ip(address), .ready = true, .serving = true});
    }
  }
  IptablesRules build(const ServiceFacts& service) {
    return build_iptables_rules(service, {&slice, 1}, {.name = "n1"}, settings, Family::kIpv4);
  }
  static bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
  }

  Settings settings;
  ServiceFacts web;
  SliceFacts slice;
  IptablesSet set;
};

// The names that upstream's kube-proxy gives to ns1/svc1:p80 (its own tests know them).
TEST_F(IptablesSetTest, ChainsAreNamedAsUpstreamNamesThem) {
  web.key = "ns1/svc1";
  web.ports[0].name = "p80";
  slice.ports[0] = {.name = "p80", .protocol = "tcp", .port = 80};
  slice.endpoints[0].address = ip("10.180.0.1");
  IptablesRules rules = build(web);
  EXPECT_TRUE(rules.chains.contains("KUBE-SVC-XPGD46QRK7WJZT7O"));
  EXPECT_TRUE(rules.chains.contains("KUBE-SEP-SXIVWICOYRO3J4NJ"));
}

TEST_F(IptablesSetTest, AnEndpointMoreWritesTheChainsOfItsServiceOnly) {
  set.set("default/web", build(web));
  ServiceFacts other = web;
  other.key = "default/other";
  other.cluster_ips = {ip("10.43.0.6")};
  other.ports[0].node_port = 0;
  set.set("default/other", build(other));
  std::string first = set.take_transaction();
  EXPECT_TRUE(has(first, "-I KUBE-SERVICES -d 10.43.0.6/32 -p tcp -m tcp --dport 80"));
  EXPECT_EQ(set.take_transaction(), "");
  set_endpoints({"10.42.0.11", "10.42.0.12"});
  set.set("default/web", build(web));
  std::string text = set.take_transaction();
  EXPECT_TRUE(has(text, "--probability 0.5000000000"));
  EXPECT_TRUE(has(text, "--to-destination 10.42.0.12:8080"));
  EXPECT_FALSE(has(text, "--to-destination 10.42.0.11:8080")) << "its chain stays as it is";
  EXPECT_FALSE(has(text, "KUBE-SERVICES"));
  EXPECT_FALSE(has(text, "default/other"));
  EXPECT_FALSE(has(text, "*filter"));
}

TEST_F(IptablesSetTest, TheLastEndpointGoneRefuses) {
  set.set("default/web", build(web));
  set.take_transaction();
  set_endpoints({});
  set.set("default/web", build(web));
  std::string text = set.take_transaction();
  EXPECT_TRUE(has(text,
                  "-I KUBE-SERVICES -d 10.43.0.5/32 -p tcp -m tcp --dport 80 -m comment "
                  "--comment \"default/web:http has no endpoints\" -j REJECT"));
  EXPECT_TRUE(has(text, "-I KUBE-EXTERNAL-SERVICES -p tcp -m tcp --dport 30080 -m addrtype"));
  EXPECT_TRUE(has(text, "-D KUBE-NODEPORTS -p tcp -m tcp --dport 30080"));
  EXPECT_TRUE(has(text, "-X KUBE-SEP-"));
  set.set("default/web", {});
  text = set.take_transaction();
  EXPECT_TRUE(has(text, "-D KUBE-SERVICES -d 10.43.0.5/32"));
  EXPECT_TRUE(set.empty());
}

TEST_F(IptablesSetTest, TwoClaimsOnOneNodePortPassOn) {
  ServiceFacts other = web;
  other.key = "default/zzz";
  other.cluster_ips = {ip("10.43.0.6")};
  set.set("default/zzz", build(other));
  set.set("default/web", build(web));
  std::string text = set.take_transaction();
  EXPECT_TRUE(has(text,
                  "-I KUBE-NODEPORTS -p tcp -m tcp --dport 30080 -m comment --comment "
                  "\"default/web:http\""));
  EXPECT_FALSE(has(text,
                   "-I KUBE-NODEPORTS -p tcp -m tcp --dport 30080 -m comment --comment "
                   "\"default/zzz:http\""));
  set.set("default/web", {});
  text = set.take_transaction();
  EXPECT_TRUE(has(text,
                  "-I KUBE-NODEPORTS -p tcp -m tcp --dport 30080 -m comment --comment "
                  "\"default/zzz:http\""));
}

TEST_F(IptablesSetTest, AClusterIpIsStrongerThanAnExternalAddress) {
  ServiceFacts thief = web;
  thief.key = "a/thief";
  thief.cluster_ips = {ip("10.43.0.6")};
  thief.external_ips = {ip("10.43.0.5")};
  thief.ports[0].node_port = 0;
  set.set("a/thief", build(thief));
  set.set("default/web", build(web));
  std::string text = set.take_transaction();
  EXPECT_TRUE(has(text,
                  "-I KUBE-SERVICES -d 10.43.0.5/32 -p tcp -m tcp --dport 80 -m comment "
                  "--comment \"default/web:http cluster IP\""));
  EXPECT_FALSE(has(text, "a/thief:http external IP"));
}

TEST_F(IptablesSetTest, LocalTrafficMayBeKnownByItsInterface) {
  settings.local_interface = "veth+";
  web.external_local = true;
  set.set("default/web", build(web));
  std::string text = set.take_transaction();
  EXPECT_TRUE(has(text, "cluster IP\" ! -i veth+ -d 10.43.0.5/32"));
  EXPECT_TRUE(has(text, "external destinations\" -i veth+ -j KUBE-SVC-"));
}

TEST_F(IptablesSetTest, HostileNamesNeverReachIptables) {
  web.ports[0].name = "x\"\n-A INPUT -j DROP";
  EXPECT_TRUE(build(web).empty());
  web.ports[0].name = "http";
  web.key = "default/web\nCOMMIT";
  EXPECT_TRUE(build(web).empty());
}

}  // namespace
}  // namespace tiphys::proxy
