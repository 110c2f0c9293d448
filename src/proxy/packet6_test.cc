// Real IPv6 packets through real rules, in network namespaces that the test makes; what is the same
// for both families is shown by packet_test.cc.
#include <gtest/gtest.h>

#include <set>

#include "proxy/nft.h"
#include "proxy/packet_network_test.h"
#include "proxy/rule_set.h"

namespace tiphys::proxy {
namespace {

constexpr const char* kFront = "fd43::5";
constexpr const char* kNode = "fd77::1";

class Packet6Test : public testing::Test {
 protected:
  void SetUp() override {
    if (!PacketNetwork::possible()) GTEST_SKIP() << "needs root";
    network = std::make_unique<PacketNetwork>(2);
    settings.table = "tiphys-proxy-test";
    settings.cluster_cidrs = {*Cidr::parse("10.42.0.0/16"), *Cidr::parse("fd42::/48")};
    in_namespace(network->node(), [&] { settings.masquerade_same_node = !prepare_kernel(true); });
    node = {.name = "n1", .pod_cidrs = {*Cidr::parse("fd42::/64")}};
    web.key = "default/web";
    web.cluster_ips = {*Address::parse("10.43.0.5"), *Address::parse(kFront)};
    web.ports = {{.protocol = "tcp", .port = 80, .node_port = 30080},
                 {.name = "dns", .protocol = "udp", .port = 53}};
    slice.ports = {{.protocol = "tcp", .port = 8080},
                   {.name = "dns", .protocol = "udp", .port = 5300}};
    for (int i : {1, 2}) {
      std::string name = "pod" + std::to_string(i);
      servers.push_back(std::make_unique<EchoServer>(network->pod(i), name, 8080, false));
      servers.push_back(std::make_unique<EchoServer>(network->pod(i), name, 5300, true));
    }
  }
  void endpoints(std::vector<int> pods) {
    slice.endpoints.clear();
    for (int i : pods) {
      slice.endpoints.push_back({.address = *Address::parse(PacketNetwork::pod_ip6(i)),
                                 .ready = true,
                                 .serving = true,
                                 .node_name = "n1"});
    }
  }
  void start() {
    RuleSet rules(settings, Family::kIpv6);
    rules.set(web.key, build_service_rules(web, {&slice, 1}, node, settings, Family::kIpv6));
    in_namespace(network->node(), [&] {
      std::string text = rules.take_full(node);
      Result<void> applied = nft_apply(text);
      EXPECT_TRUE(applied) << applied.error().message() << "\n" << text;
    });
  }
  std::string from_client(const char* ip, uint16_t port) {
    return network->fetch(network->client(), ip, port);
  }
  std::string from_node(const char* ip, uint16_t port) {
    return network->fetch(network->node(), ip, port);
  }
  std::string from_pod(int i, const char* ip, uint16_t port, bool udp = false) {
    return network->fetch(network->pod(i), ip, port, udp);
  }

  std::unique_ptr<PacketNetwork> network;
  Settings settings;
  NodeFacts node;
  ServiceFacts web;
  SliceFacts slice;
  std::vector<std::unique_ptr<EchoServer>> servers;
};

TEST_F(Packet6Test, ClusterIpAndNodePort) {
  endpoints({2});
  start();
  std::string source = settings.masquerade_same_node ? "fd42::1" : PacketNetwork::pod_ip6(1);
  EXPECT_EQ(from_pod(1, kFront, 80), "pod2 " + source);
  EXPECT_EQ(from_pod(1, kFront, 53, true), "pod2 " + source);
  EXPECT_EQ(from_pod(2, kFront, 80), "pod2 fd42::1") << "itself";
  EXPECT_EQ(from_node(kFront, 80), "pod2 fd42::1");
  EXPECT_EQ(from_client(kFront, 80), "pod2 fd42::1");
  EXPECT_EQ(from_client(kNode, 30080), "pod2 fd42::1");
  EXPECT_EQ(from_node(kNode, 30080), "pod2 fd42::1");
  EXPECT_EQ(from_node("::1", 30080), "error: refused");
}

TEST_F(Packet6Test, NoEndpointsIsRefusedAtOnce) {
  start();
  EXPECT_EQ(from_pod(1, kFront, 80), "error: refused");
  EXPECT_EQ(from_pod(1, kFront, 53, true), "error: refused");
  EXPECT_EQ(from_client(kNode, 30080), "error: refused");
}

TEST_F(Packet6Test, LoadBalancerWithPolicyLocalAndSourceRanges) {
  web.ingress_ips = {*Address::parse("2001:db8::5")};
  web.source_ranges = {*Cidr::parse("fd77::2/128"), *Cidr::parse("192.0.2.0/24")};
  web.external_local = true;
  endpoints({1, 2});
  slice.endpoints[1].node_name = "n2";
  start();
  EXPECT_EQ(from_client("2001:db8::5", 80), "pod1 fd77::2");
  EXPECT_EQ(from_client(kNode, 30080), "pod1 fd77::2");
  EXPECT_EQ(from_pod(2, "2001:db8::5", 80), "error: timeout");
}

TEST_F(Packet6Test, ClientIpAffinitySticks) {
  web.affinity_seconds = 60;
  endpoints({1, 2});
  start();
  std::set<std::string> seen;
  for (int i = 0; i < 12; ++i) seen.insert(from_client(kNode, 30080));
  EXPECT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen.begin()->substr(0, 3), "pod");
}

}  // namespace
}  // namespace tiphys::proxy
