// Real packets through real rules, in network namespaces that the test makes.
#include <gtest/gtest.h>

#include <set>

#include "os/files.h"
#include "proxy/conntrack.h"
#include "proxy/nft.h"
#include "proxy/nft_elements.h"
#include "proxy/packet_network_test.h"
#include "proxy/rule_set.h"

namespace tiphys::proxy {
namespace {

constexpr const char* kFront = "10.43.0.5";

class PacketTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!PacketNetwork::possible()) GTEST_SKIP() << "needs root";
    network = std::make_unique<PacketNetwork>(2);
    settings.table = "tiphys-proxy-test";
    settings.cluster_cidrs = {*Cidr::parse("10.42.0.0/16")};
    in_namespace(network->node(), [&] { settings.masquerade_same_node = !prepare_kernel(false); });
    node = {.name = "n1", .pod_cidrs = {*Cidr::parse("10.42.0.0/24")}};
    web.key = "default/web";
    web.cluster_ips = {*Address::parse(kFront)};
    web.ports = {{.protocol = "tcp", .port = 80, .node_port = 30080},
                 {.name = "dns", .protocol = "udp", .port = 53, .node_port = 30053}};
    slice.ports = {{.protocol = "tcp", .port = 8080},
                   {.name = "dns", .protocol = "udp", .port = 5300}};
    for (int i : {1, 2}) {
      servers.push_back(std::make_unique<EchoServer>(network->pod(i), name(i), 8080, false));
      servers.push_back(std::make_unique<EchoServer>(network->pod(i), name(i), 5300, true));
    }
  }
  static std::string name(int i) { return "pod" + std::to_string(i); }
  void endpoints(std::vector<int> pods) {
    slice.endpoints.clear();
    for (int i : pods) {
      slice.endpoints.push_back({.address = *Address::parse(PacketNetwork::pod_ip(i)),
                                 .ready = true,
                                 .serving = true,
                                 .node_name = "n1"});
    }
  }
  void start() {
    rules = std::make_unique<RuleSet>(settings, Family::kIpv4);
    rules->set(web.key, build());
    nft(rules->take_full(node));
  }
  ServiceRules build() {
    return build_service_rules(web, {&slice, 1}, node, settings, Family::kIpv4);
  }
  void change() {
    rules->set(web.key, build());
    apply_changes();
  }
  // As the backend does it.
  void apply_changes() {
    Changes changes = rules->take_changes();
    std::optional<ElementBatch> batch = element_batch(settings.table, Family::kIpv4, changes);
    if (!batch) return nft(changes.text("ip " + settings.table));
    in_namespace(network->node(), [&] {
      Result<void> applied = apply_elements(*batch);
      EXPECT_TRUE(applied) << applied.error().message();
    });
  }
  std::string listed() {
    std::string text;
    in_namespace(network->node(), [&] {
      auto result = os::run_command({"nft", "-s", "list", "ruleset"});
      if (result) text = result->out + result->err;
    });
    return text;
  }
  void nft(const std::string& text) {
    in_namespace(network->node(), [&] {
      Result<void> applied = nft_apply(text);
      EXPECT_TRUE(applied) << applied.error().message() << "\n" << text;
    });
  }
  std::string from_client(const char* ip, uint16_t port, bool udp = false) {
    return network->fetch(network->client(), ip, port, udp);
  }
  std::string from_node(const char* ip, uint16_t port, bool udp = false) {
    return network->fetch(network->node(), ip, port, udp);
  }
  std::string from_pod(int i, const char* ip, uint16_t port, bool udp = false) {
    return network->fetch(network->pod(i), ip, port, udp);
  }

  std::unique_ptr<PacketNetwork> network;
  Settings settings;
  NodeFacts node;
  ServiceFacts web;
  SliceFacts slice;
  std::unique_ptr<RuleSet> rules;
  std::vector<std::unique_ptr<EchoServer>> servers;
};

TEST_F(PacketTest, ClusterIpFromPodKeepsTheSource) {
  endpoints({2});
  start();
  std::string source = settings.masquerade_same_node ? "10.42.0.1" : PacketNetwork::pod_ip(1);
  EXPECT_EQ(from_pod(1, kFront, 80), "pod2 " + source);
  EXPECT_EQ(from_pod(1, kFront, 53, true), "pod2 " + source);
}

TEST_F(PacketTest, SameBridgeWithoutBrNetfilter) {
  in_namespace(network->node(), [&] {
    Result<void> off = os::write_file("/proc/sys/net/bridge/bridge-nf-call-iptables", "0");
    if (!off) std::fprintf(stderr, "br_netfilter is absent, as this test wants it\n");
  });
  settings.masquerade_same_node = true;
  endpoints({2});
  start();
  EXPECT_EQ(from_pod(1, kFront, 80), "pod2 10.42.0.1");
  EXPECT_EQ(from_pod(1, kFront, 53, true), "pod2 10.42.0.1");
  EXPECT_EQ(from_pod(2, kFront, 80), "pod2 10.42.0.1");
}

TEST_F(PacketTest, HairpinIsMasqueraded) {
  endpoints({1});
  start();
  EXPECT_EQ(from_pod(1, kFront, 80), "pod1 10.42.0.1");
  EXPECT_EQ(from_pod(1, kFront, 53, true), "pod1 10.42.0.1");
}

TEST_F(PacketTest, ClusterIpFromTheHost) {
  endpoints({1});
  start();
  EXPECT_EQ(from_node(kFront, 80), "pod1 10.42.0.1");
  EXPECT_EQ(from_node(kFront, 53, true), "pod1 10.42.0.1");
}

TEST_F(PacketTest, NodePortFromHostPodAndLan) {
  endpoints({1});
  start();
  EXPECT_EQ(from_node("192.168.77.1", 30080), "pod1 10.42.0.1");
  EXPECT_EQ(from_node("10.42.0.1", 30080), "pod1 10.42.0.1");
  EXPECT_EQ(from_pod(2, "192.168.77.1", 30080), "pod1 10.42.0.1");
  EXPECT_EQ(from_pod(1, "192.168.77.1", 30080), "pod1 10.42.0.1");
  EXPECT_EQ(from_client("192.168.77.1", 30080), "pod1 10.42.0.1");
  EXPECT_EQ(from_client("192.168.77.1", 30053, true), "pod1 10.42.0.1");
}

TEST_F(PacketTest, NodePortNeverOnLoopback) {
  endpoints({1});
  start();
  EXPECT_EQ(from_node("127.0.0.1", 30080), "error: refused");
}

// With route_localnet on as other software leaves it.
TEST_F(PacketTest, cve_2020_8558_loopback_is_closed_to_the_lan) {
  endpoints({1});
  start();
  EchoServer local(network->node(), "local", 9000, false);
  in_namespace(network->node(), [&] {
    ASSERT_TRUE(os::write_file("/proc/sys/net/ipv4/conf/all/route_localnet", "1"));
  });
  in_namespace(network->client(), [&] {
    ASSERT_TRUE(os::write_file("/proc/sys/net/ipv4/conf/all/route_localnet", "1"));
    ASSERT_TRUE(os::run_command({"ip", "route", "del", "127.0.0.1", "table", "local"}));
    ASSERT_TRUE(os::run_command({"ip", "route", "add", "127.0.0.1", "via", "192.168.77.1"}));
  });
  EXPECT_EQ(from_client("127.0.0.1", 9000), "error: timeout");
  EXPECT_EQ(from_node("127.0.0.1", 9000), "local 127.0.0.1");
}

TEST_F(PacketTest, SpreadsOverAllEndpoints) {
  endpoints({1, 2});
  start();
  std::set<std::string> seen;
  for (int i = 0; i < 40; ++i) seen.insert(from_node(kFront, 80).substr(0, 4));
  EXPECT_EQ(seen, (std::set<std::string>{"pod1", "pod2"}));
}

TEST_F(PacketTest, NoEndpointsIsRefusedAtOnce) {
  start();
  EXPECT_EQ(from_node(kFront, 80), "error: refused");
  EXPECT_EQ(from_pod(1, kFront, 80), "error: refused");
  EXPECT_EQ(from_pod(1, kFront, 53, true), "error: refused");
  EXPECT_EQ(from_client("192.168.77.1", 30080), "error: refused");
  EXPECT_EQ(from_node("192.168.77.1", 30080), "error: refused");
  EXPECT_EQ(from_pod(1, kFront, 81), "error: refused") << "a port that the Service doesn't have";
}

TEST_F(PacketTest, ChangesMoveTrafficIncrementally) {
  endpoints({1});
  start();
  EXPECT_EQ(from_node(kFront, 80), "pod1 10.42.0.1");
  endpoints({2});
  change();
  EXPECT_EQ(from_node(kFront, 80), "pod2 10.42.0.1");
  endpoints({});
  change();
  EXPECT_EQ(from_node(kFront, 80), "error: refused");
  endpoints({1});
  change();
  EXPECT_EQ(from_node(kFront, 80), "pod1 10.42.0.1");
  rules->erase(web.key);
  apply_changes();
  EXPECT_NE(from_pod(1, kFront, 80).substr(0, 3), "pod");
}

TEST_F(PacketTest, UdpFlowsFollowTheEndpoints) {
  endpoints({1});
  start();
  auto ask = [&] { return network->fetch(network->client(), "192.168.77.1", 30053, true, 5555); };
  EXPECT_EQ(ask(), "pod1 10.42.0.1");
  ServiceRules before = build();
  endpoints({2});
  change();
  in_namespace(network->node(), [&] {
    for (const auto& command : stale_udp_flows(before, build(), Family::kIpv4)) {
      Result<void> done = conntrack_delete(command);
      EXPECT_TRUE(done) << done.error().message();
    }
  });
  EXPECT_EQ(ask(), "pod2 10.42.0.1");
}

TEST_F(PacketTest, ClientIpAffinitySticks) {
  web.affinity_seconds = 60;
  endpoints({1, 2});
  start();
  for (const std::string& ns : {network->client(), network->node()}) {
    std::set<std::string> seen;
    for (int i = 0; i < 12; ++i) seen.insert(network->fetch(ns, "192.168.77.1", 30080));
    EXPECT_EQ(seen.size(), 1u);
  }
  web.affinity_seconds = 90;
  change();
}

TEST_F(PacketTest, ExternalPolicyLocalKeepsTheClientAddress) {
  web.external_local = true;
  endpoints({1});
  start();
  EXPECT_EQ(from_client("192.168.77.1", 30080), "pod1 192.168.77.2");
  slice.endpoints[0].node_name = "n2";
  change();
  EXPECT_EQ(from_client("192.168.77.1", 30080), "error: timeout");
  EXPECT_EQ(from_node("192.168.77.1", 30080), "pod1 10.42.0.1");
  EXPECT_EQ(from_pod(2, "192.168.77.1", 30080).substr(0, 4), "pod1");
}

TEST_F(PacketTest, InternalPolicyLocalDropsWithoutLocalEndpoint) {
  web.internal_local = true;
  endpoints({1});
  slice.endpoints[0].node_name = "n2";
  start();
  EXPECT_EQ(from_pod(2, kFront, 80), "error: timeout");
  endpoints({1});
  change();
  EXPECT_EQ(from_pod(2, kFront, 80).substr(0, 4), "pod1");
}

TEST_F(PacketTest, ExternalIpAndLoadBalancerWithSourceRanges) {
  web.external_ips = {*Address::parse("198.51.100.4")};
  web.ingress_ips = {*Address::parse("198.51.100.5")};
  web.source_ranges = {*Cidr::parse("192.168.77.0/24")};
  endpoints({1});
  start();
  EXPECT_EQ(from_client("198.51.100.4", 80), "pod1 10.42.0.1");
  EXPECT_EQ(from_client("198.51.100.5", 80), "pod1 10.42.0.1");
  EXPECT_EQ(from_pod(2, "198.51.100.5", 80), "error: timeout");
  web.source_ranges = {*Cidr::parse("203.0.113.0/24")};
  change();
  EXPECT_EQ(from_client("198.51.100.5", 80), "error: timeout");
  EXPECT_EQ(from_client("198.51.100.4", 80), "pod1 10.42.0.1");
}

TEST_F(PacketTest, TableUseTellsThatSomebodyMeddled) {
  endpoints({1});
  start();
  in_namespace(network->node(), [&] {
    auto use = nft_table_use(settings.table, Family::kIpv4);
    ASSERT_TRUE(use && *use) << (use ? "no table" : use.error().message());
    ASSERT_TRUE(nft_apply("add chain ip tiphys-proxy-test intruder\n"));
    auto more = nft_table_use(settings.table, Family::kIpv4);
    EXPECT_EQ(**more, **use + 1);
    ASSERT_TRUE(nft_remove_table(settings.table, Family::kIpv4));
    ASSERT_TRUE(nft_remove_table(settings.table, Family::kIpv4));
    auto none = nft_table_use(settings.table, Family::kIpv4);
    ASSERT_TRUE(none) << none.error().message();
    EXPECT_FALSE(*none);
  });
}

TEST(NftApply, SyntaxErrorsAreReported) {
  if (!PacketNetwork::possible()) GTEST_SKIP() << "needs root";
  Result<void> applied = nft_apply("add nonsense\n");
  ASSERT_FALSE(applied);
  EXPECT_NE(applied.error().message().find("nft ended with 1: "), std::string::npos);
}

}  // namespace
}  // namespace tiphys::proxy
