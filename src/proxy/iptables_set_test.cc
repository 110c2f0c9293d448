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
  std::string take() { return set.take_transaction(settings, {.name = "n1"}, Family::kIpv4); }
  // Services of one ClusterIP each, numbered.
  void put(int first, int count) {
    for (int i = first; i < first + count; ++i) {
      ServiceFacts one{.key = "many/" + std::to_string(i), .ports = web.ports};
      std::string address = "10.44." + std::to_string(i / 250) + "." + std::to_string(i % 250);
      one.cluster_ips = {ip(address.c_str())};
      one.ports[0].node_port = 0;
      set.set(one.key, build(one));
    }
  }
  void erase(int first, int count) {
    for (int i = first; i < first + count; ++i) set.set("many/" + std::to_string(i), {});
  }
  static bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
  }
  static size_t count(const std::string& text, std::string_view part) {
    size_t found = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
      ++found;
    return found;
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
  std::string first = take();
  EXPECT_TRUE(has(first, "-I KUBE-SERVICES -d 10.43.0.6/32 -p tcp -m tcp --dport 80"));
  EXPECT_EQ(take(), "");
  set_endpoints({"10.42.0.11", "10.42.0.12"});
  set.set("default/web", build(web));
  std::string text = take();
  EXPECT_TRUE(has(text, "--probability 0.5000000000"));
  EXPECT_TRUE(has(text, "--to-destination 10.42.0.12:8080"));
  EXPECT_FALSE(has(text, "--to-destination 10.42.0.11:8080")) << "its chain stays as it is";
  EXPECT_FALSE(has(text, "KUBE-SERVICES"));
  EXPECT_FALSE(has(text, "default/other"));
  EXPECT_FALSE(has(text, "*filter"));
}

TEST_F(IptablesSetTest, TheLastEndpointGoneRefuses) {
  set.set("default/web", build(web));
  take();
  set_endpoints({});
  set.set("default/web", build(web));
  std::string text = take();
  EXPECT_TRUE(has(text,
                  "-I KUBE-SERVICES -d 10.43.0.5/32 -p tcp -m tcp --dport 80 -m comment "
                  "--comment \"default/web:http has no endpoints\" -j REJECT"));
  EXPECT_TRUE(has(text, "-I KUBE-EXTERNAL-SERVICES -p tcp -m tcp --dport 30080 -m addrtype"));
  EXPECT_TRUE(has(text, "-D KUBE-NODEPORTS -p tcp -m tcp --dport 30080"));
  EXPECT_TRUE(has(text, "-X KUBE-SEP-"));
  set.set("default/web", {});
  text = take();
  EXPECT_TRUE(has(text, "-D KUBE-SERVICES -d 10.43.0.5/32"));
  EXPECT_TRUE(set.empty());
}

TEST_F(IptablesSetTest, TwoClaimsOnOneNodePortPassOn) {
  ServiceFacts other = web;
  other.key = "default/zzz";
  other.cluster_ips = {ip("10.43.0.6")};
  set.set("default/zzz", build(other));
  set.set("default/web", build(web));
  std::string text = take();
  EXPECT_TRUE(has(text,
                  "-I KUBE-NODEPORTS -p tcp -m tcp --dport 30080 -m comment --comment "
                  "\"default/web:http\""));
  EXPECT_FALSE(has(text,
                   "-I KUBE-NODEPORTS -p tcp -m tcp --dport 30080 -m comment --comment "
                   "\"default/zzz:http\""));
  set.set("default/web", {});
  text = take();
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
  std::string text = take();
  EXPECT_TRUE(has(text,
                  "-I KUBE-SERVICES -d 10.43.0.5/32 -p tcp -m tcp --dport 80 -m comment "
                  "--comment \"default/web:http cluster IP\""));
  EXPECT_FALSE(has(text, "a/thief:http external IP"));
}

TEST_F(IptablesSetTest, LocalTrafficMayBeKnownByItsInterface) {
  settings.local_interface = "veth+";
  web.external_local = true;
  set.set("default/web", build(web));
  std::string text = take();
  EXPECT_TRUE(has(text, "cluster IP\" ! -i veth+ -d 10.43.0.5/32"));
  EXPECT_TRUE(has(text, "external destinations\" -i veth+ -j KUBE-SVC-"));
}

// iptables-nft compares each rule to delete with every rule of its chain.
TEST_F(IptablesSetTest, ManyDeletionsFillTheChainAnew) {
  set.set("default/web", build(web));
  put(0, 1000);
  take();
  erase(0, kMaxSingleDeletions);
  std::string text = take();
  EXPECT_EQ(count(text, "-D KUBE-SERVICES "), kMaxSingleDeletions);
  EXPECT_FALSE(has(text, ":KUBE-SERVICES ")) << text;

  erase(kMaxSingleDeletions, kMaxSingleDeletions + 1);
  text = take();
  EXPECT_EQ(count(text, "-D "), 0u);
  EXPECT_EQ(count(text, ":KUBE-SERVICES - [0:0]\n"), 1u);
  size_t left = 1001 - (2 * kMaxSingleDeletions + 1);
  size_t fixed = 1;
  EXPECT_EQ(count(text, "\n-A KUBE-SERVICES "), left + fixed) << text;
  EXPECT_FALSE(has(text, "*filter")) << "nothing of it changed";
  EXPECT_FALSE(has(text, "-A KUBE-POSTROUTING")) << "nor of this chain";
  size_t last = text.rfind("-A KUBE-SERVICES ");
  EXPECT_TRUE(text.substr(last).starts_with(
      "-A KUBE-SERVICES -m comment --comment \"kubernetes service nodeports; NOTE: this must be"));
  EXPECT_EQ(take(), "");
}

TEST_F(IptablesSetTest, ManyServicesThatGetTheirEndpointsFillTheChainOfRefusalsAnew) {
  SliceFacts with = std::exchange(slice, {});
  put(0, 500);
  EXPECT_EQ(count(take(), "-I KUBE-SERVICES "), 500u);
  slice = with;
  put(0, 400);
  std::string text = take();
  size_t nat = text.find("*nat");
  EXPECT_EQ(count(text.substr(0, nat), ":KUBE-SERVICES - [0:0]\n"), 1u) << text;
  EXPECT_EQ(count(text.substr(0, nat), "\n-A KUBE-SERVICES "), 100u) << text;
  EXPECT_EQ(count(text.substr(nat), "-I KUBE-SERVICES "), 400u) << "only additions";
  EXPECT_EQ(count(text, "-D "), 0u);
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
