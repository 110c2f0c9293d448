// Real packets through iptables rules of both flavours, in network namespaces that the test makes.
// The same behaviour as packet_test.cc shows of nftables.
#include <gtest/gtest.h>

#include <set>

#include "os/files.h"
#include "proxy/conntrack_table.h"
#include "proxy/iptables_backend.h"
#include "proxy/nft.h"
#include "proxy/packet_network_test.h"

namespace tiphys::proxy {
namespace {

constexpr const char* kFront = "10.43.0.5";

class IptablesPacketTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (!PacketNetwork::possible()) GTEST_SKIP() << "needs root";
    network = std::make_unique<PacketNetwork>(2);
    settings.cluster_cidrs = {*Cidr::parse("10.42.0.0/16")};
    in_namespace(network->node(), [&] { settings.masquerade_same_node = !prepare_kernel(false); });
    node = {.name = "n1",
            .pod_cidrs = {*Cidr::parse("10.42.0.0/24")},
            .addresses = {*Address::parse("192.168.77.1")}};
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
    backend = make_iptables_backend(settings, Family::kIpv4, GetParam());
    backend->set(web.key, &web, {&slice, 1}, node);
    apply(true);
  }
  void change() {
    backend->set(web.key, &web, {&slice, 1}, node);
    apply(false);
  }
  void apply(bool full) {
    Backend::Transaction transaction = backend->take(full, node);
    ASSERT_NE(transaction.bytes, 0u);
    in_namespace(network->node(), [&] {
      Result<void> applied = transaction.apply();
      EXPECT_TRUE(applied) << applied.error().message();
    });
  }
  std::string look() {
    std::string seen;
    in_namespace(network->node(), [&] { seen = *backend->look()(); });
    return seen;
  }
  os::CommandResult run(const std::vector<std::string>& command) {
    os::CommandResult result;
    in_namespace(network->node(), [&] { result = *os::run_command(command); });
    return result;
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
  std::unique_ptr<Backend> backend;
  std::vector<std::unique_ptr<EchoServer>> servers;
};
INSTANTIATE_TEST_SUITE_P(Flavours, IptablesPacketTest, testing::Values("nft", "legacy"),
                         [](const auto& param) { return param.param; });

TEST_P(IptablesPacketTest, ClusterIpFromPodKeepsTheSource) {
  endpoints({2});
  start();
  std::string source = settings.masquerade_same_node ? "10.42.0.1" : PacketNetwork::pod_ip(1);
  EXPECT_EQ(from_pod(1, kFront, 80), "pod2 " + source);
  EXPECT_EQ(from_pod(1, kFront, 53, true), "pod2 " + source);
}

TEST_P(IptablesPacketTest, SameBridgeWithoutBrNetfilter) {
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

TEST_P(IptablesPacketTest, HairpinIsMasqueraded) {
  endpoints({1});
  start();
  EXPECT_EQ(from_pod(1, kFront, 80), "pod1 10.42.0.1");
  EXPECT_EQ(from_pod(1, kFront, 53, true), "pod1 10.42.0.1");
}

TEST_P(IptablesPacketTest, ClusterIpFromTheHost) {
  endpoints({1});
  start();
  EXPECT_EQ(from_node(kFront, 80), "pod1 10.42.0.1");
  EXPECT_EQ(from_node(kFront, 53, true), "pod1 10.42.0.1");
}

TEST_P(IptablesPacketTest, NodePortFromHostPodAndLan) {
  endpoints({1});
  start();
  EXPECT_EQ(from_node("192.168.77.1", 30080), "pod1 10.42.0.1");
  EXPECT_EQ(from_node("10.42.0.1", 30080), "pod1 10.42.0.1");
  EXPECT_EQ(from_pod(2, "192.168.77.1", 30080), "pod1 10.42.0.1");
  EXPECT_EQ(from_pod(1, "192.168.77.1", 30080), "pod1 10.42.0.1");
  EXPECT_EQ(from_client("192.168.77.1", 30080), "pod1 10.42.0.1");
  EXPECT_EQ(from_client("192.168.77.1", 30053, true), "pod1 10.42.0.1");
}

TEST_P(IptablesPacketTest, NodePortNeverOnLoopback) {
  endpoints({1});
  start();
  EXPECT_EQ(from_node("127.0.0.1", 30080), "error: refused");
}

// With route_localnet on as other software leaves it.
TEST_P(IptablesPacketTest, cve_2020_8558_loopback_is_closed_to_the_lan) {
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

TEST_P(IptablesPacketTest, SpreadsOverAllEndpoints) {
  endpoints({1, 2});
  start();
  std::set<std::string> seen;
  for (int i = 0; i < 40; ++i) seen.insert(from_node(kFront, 80).substr(0, 4));
  EXPECT_EQ(seen, (std::set<std::string>{"pod1", "pod2"}));
}

TEST_P(IptablesPacketTest, NoEndpointsIsRefusedAtOnce) {
  web.external_ips = {*Address::parse("198.51.100.4")};
  start();
  EXPECT_EQ(from_client("198.51.100.4", 80), "error: refused");
  EXPECT_EQ(from_node("198.51.100.4", 80), "error: refused");
  EXPECT_EQ(from_node(kFront, 80), "error: refused");
  EXPECT_EQ(from_pod(1, kFront, 80), "error: refused");
  EXPECT_EQ(from_pod(1, kFront, 53, true), "error: refused");
  EXPECT_EQ(from_client("192.168.77.1", 30080), "error: refused");
  EXPECT_EQ(from_node("192.168.77.1", 30080), "error: refused");
}

TEST_P(IptablesPacketTest, ChangesMoveTrafficIncrementally) {
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
  backend->set(web.key, nullptr, {}, node);
  apply(false);
  EXPECT_NE(from_pod(1, kFront, 80).substr(0, 3), "pod");
}

TEST_P(IptablesPacketTest, UdpFlowsFollowTheEndpoints) {
  endpoints({1});
  start();
  auto ask = [&] { return network->fetch(network->client(), "192.168.77.1", 30053, true, 5555); };
  EXPECT_EQ(ask(), "pod1 10.42.0.1");
  endpoints({2});
  change();
  EXPECT_EQ(ask(), "pod1 10.42.0.1") << "as the kernel remembers the flow";
  std::vector<Targets> targets(2);
  targets[1].cluster = {{*Address::parse(PacketNetwork::pod_ip(2)), 5300}};
  in_namespace(network->node(), [&] {
    Fronts fronts = fronts_of(web, targets, Family::kIpv4);
    EXPECT_EQ(remove_stale_flows(fronts, Family::kIpv4).value_or(-1), 1);
    EXPECT_EQ(remove_stale_flows(fronts, Family::kIpv4).value_or(-1), 0);
  });
  EXPECT_EQ(ask(), "pod2 10.42.0.1");
}

TEST_P(IptablesPacketTest, ClientIpAffinitySticks) {
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

TEST_P(IptablesPacketTest, ExternalPolicyLocalKeepsTheClientAddress) {
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

TEST_P(IptablesPacketTest, InternalPolicyLocalDropsWithoutLocalEndpoint) {
  web.internal_local = true;
  endpoints({1});
  slice.endpoints[0].node_name = "n2";
  start();
  EXPECT_EQ(from_pod(2, kFront, 80), "error: timeout");
  endpoints({1});
  change();
  EXPECT_EQ(from_pod(2, kFront, 80).substr(0, 4), "pod1");
}

TEST_P(IptablesPacketTest, ExternalIpAndLoadBalancerWithSourceRanges) {
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

TEST_P(IptablesPacketTest, LocalTrafficByInterface) {
  settings.cluster_cidrs.clear();
  settings.local_interface = "br0";
  web.external_local = true;
  endpoints({1});
  slice.endpoints[0].node_name = "n2";
  start();
  EXPECT_EQ(from_pod(2, "192.168.77.1", 30080).substr(0, 4), "pod1") << "pods may use all";
  EXPECT_EQ(from_client("192.168.77.1", 30080), "error: timeout");
}

TEST_P(IptablesPacketTest, FlushedTablesAreSeenAndMadeAnew) {
  endpoints({1});
  start();
  EXPECT_EQ(look(), "KUBE-PROXY-CANARY");
  std::string iptables = "iptables-" + GetParam();
  run({iptables, "-t", "nat", "-F"});
  EXPECT_EQ(look(), "");
  run({iptables, "-t", "nat", "-X"});
  EXPECT_EQ(look(), "");
  backend->set(web.key, &web, {&slice, 1}, node);
  apply(true);
  EXPECT_EQ(look(), "KUBE-PROXY-CANARY");
  EXPECT_EQ(from_node(kFront, 80), "pod1 10.42.0.1");
}

TEST_P(IptablesPacketTest, LeftoversGoAndForeignRulesStay) {
  std::string iptables = "iptables-" + GetParam();
  run({iptables, "-t", "nat", "-N", "KUBE-SVC-AAAAAAAAAAAAAAAA"});
  run({iptables, "-t", "nat", "-N", "OTHERS"});
  run({iptables, "-t", "nat", "-A", "PREROUTING", "-p", "tcp", "--dport", "1", "-j", "OTHERS"});
  endpoints({1});
  start();
  apply(true);
  std::string saved = run({iptables + "-save"}).out;
  EXPECT_EQ(saved.find("AAAAAAAA"), std::string::npos);
  EXPECT_NE(saved.find("-j OTHERS"), std::string::npos);
  size_t jumps = 0;
  for (size_t at = saved.find("-j KUBE-POSTROUTING"); at != std::string::npos;
       at = saved.find("-j KUBE-POSTROUTING", at + 1)) {
    ++jumps;
  }
  EXPECT_EQ(jumps, 1u) << saved;
  in_namespace(network->node(), [&] {
    Settings others;
    others.table = "tiphys-proxy-br7";
    EXPECT_TRUE(iptables_cleanup(others));
    EXPECT_EQ(*backend->look()(), "KUBE-PROXY-CANARY") << "another cluster's";
    Result<void> done = iptables_cleanup({});
    EXPECT_TRUE(done) << done.error().message();
    EXPECT_TRUE(iptables_cleanup({}));
  });
  saved = run({iptables + "-save"}).out;
  EXPECT_EQ(saved.find("KUBE-"), std::string::npos) << saved;
  EXPECT_NE(saved.find("-j OTHERS"), std::string::npos);
}

TEST_P(IptablesPacketTest, Ipv6AndSctpRulesAreUnderstood) {
  web.cluster_ips = {*Address::parse("fd00:43::5")};
  web.ports.push_back({.name = "sig", .protocol = "sctp", .port = 99});
  web.affinity_seconds = 60;
  web.external_local = true;
  web.ingress_ips = {*Address::parse("2001:db8::5")};
  web.source_ranges = {*Cidr::parse("2001:db8::/64")};
  web.health_check_node_port = 32000;
  slice.ports.push_back({.name = "sig", .protocol = "sctp", .port = 99});
  for (const char* address : {"fd00:42::1", "fd00:42::2"}) {
    slice.endpoints.push_back(
        {.address = *Address::parse(address), .ready = true, .serving = true, .node_name = "n1"});
  }
  backend = make_iptables_backend(settings, Family::kIpv6, GetParam());
  backend->set(web.key, &web, {&slice, 1}, node);
  apply(true);
  std::string saved = run({"ip6tables-" + GetParam() + "-save"}).out;
  EXPECT_NE(saved.find("--to-destination [fd00:42::1]:8080"), std::string::npos) << saved;
  slice.endpoints.clear();
  backend->set(web.key, &web, {&slice, 1}, node);
  apply(false);
  backend->set(web.key, nullptr, {}, node);
  apply(false);
  saved = run({"ip6tables-" + GetParam() + "-save"}).out;
  EXPECT_EQ(saved.find("KUBE-SEP-"), std::string::npos) << saved;
  EXPECT_EQ(saved.find("fd00"), std::string::npos) << saved;
}

}  // namespace
}  // namespace tiphys::proxy
