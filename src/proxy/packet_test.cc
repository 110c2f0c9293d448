// Real packets through real rules, in network namespaces that the test makes.
#include <gtest/gtest.h>

#include <set>

#include "os/files.h"
#include "proxy/conntrack_table.h"
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
  web.external_ips = {*Address::parse("198.51.100.4")};
  start();
  EXPECT_EQ(from_client("198.51.100.4", 80), "error: refused");
  EXPECT_EQ(from_node("198.51.100.4", 80), "error: refused");
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
  endpoints({2});
  change();
  std::vector<Targets> targets(2);
  targets[1].cluster = {{*Address::parse(PacketNetwork::pod_ip(2)), 5300}};
  in_namespace(network->node(), [&] {
    Fronts fronts = fronts_of(web, targets, Family::kIpv4);
    EXPECT_EQ(remove_stale_flows(fronts, Family::kIpv4).value_or(-1), 1);
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
  EXPECT_EQ(from_pod(1, "192.168.77.1", 30080), "pod1 10.42.0.1") << "itself";
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

TEST_F(PacketTest, ClusterIpFromOutsideIsMasqueraded) {
  endpoints({1});
  start();
  EXPECT_EQ(from_client(kFront, 80), "pod1 10.42.0.1");
  settings.masquerade_all = true;
  start();
  EXPECT_EQ(from_pod(2, kFront, 80), "pod1 10.42.0.1");
}

TEST_F(PacketTest, NodePortsOnSomeAddressesOnly) {
  settings.node_port_cidrs = {*Cidr::parse("10.42.0.0/24")};
  endpoints({1});
  start();
  EXPECT_EQ(from_node("10.42.0.1", 30080), "pod1 10.42.0.1");
  EXPECT_EQ(from_client("10.42.0.1", 30080), "pod1 10.42.0.1");
  EXPECT_EQ(from_client("192.168.77.1", 30080), "error: refused");
}

TEST_F(PacketTest, AffinityEndsWithItsTimeout) {
  web.affinity_seconds = 1;
  endpoints({1, 2});
  start();
  std::set<std::string> seen;
  for (int i = 0; i < 4; ++i) seen.insert(from_node(kFront, 80));
  EXPECT_EQ(seen.size(), 1u);
  auto remembered = [&] { return listed().find("elements = { 192.168.77.1") != std::string::npos; };
  for (int i = 0; i < 200 && remembered(); ++i) ::poll(nullptr, 0, 25);
  EXPECT_FALSE(remembered());
}

TEST_F(PacketTest, AffinityAndPolicyLocal) {
  web.affinity_seconds = 60;
  web.external_local = web.internal_local = true;
  endpoints({1, 2});
  slice.endpoints[1].node_name = "n2";
  start();
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(from_client("192.168.77.1", 30080), "pod1 192.168.77.2");
    EXPECT_EQ(from_node(kFront, 80).substr(0, 4), "pod1");
  }
}

TEST_F(PacketTest, TwoServicesWantOneNodePort) {
  endpoints({1});
  start();
  ServiceFacts other = web;
  other.key = "default/zoo";
  other.cluster_ips = {*Address::parse("10.43.0.6")};
  endpoints({2});
  rules->set(other.key, build_service_rules(other, {&slice, 1}, node, settings, Family::kIpv4));
  apply_changes();
  EXPECT_EQ(from_client("192.168.77.1", 30080), "pod1 10.42.0.1");
  EXPECT_EQ(from_node("10.43.0.6", 80), "pod2 10.42.0.1");
  rules->erase(web.key);
  apply_changes();
  EXPECT_EQ(from_client("192.168.77.1", 30080), "pod2 10.42.0.1");
}

// What stands in the kernel can be listed and loaded again by nft(8), and does the same.
TEST_F(PacketTest, NftListsAndReloads) {
  web.ingress_ips = {*Address::parse("198.51.100.5")};
  web.source_ranges = {*Cidr::parse("192.168.77.0/24")};
  web.external_local = true;
  endpoints({1});
  start();
  ServiceFacts sticky = web;
  sticky.key = "default/x-sticky";
  sticky.cluster_ips = {*Address::parse("10.43.0.6")};
  sticky.affinity_seconds = 60;
  rules->set(sticky.key, build_service_rules(sticky, {&slice, 1}, node, settings, Family::kIpv4));
  apply_changes();
  std::string before = listed();
  EXPECT_NE(before.find("goto external-local-1-1"), std::string::npos);
  nft("flush ruleset\n" + before);
  EXPECT_EQ(listed(), before);
  EXPECT_EQ(from_client("198.51.100.5", 80), "pod1 192.168.77.2");
  EXPECT_EQ(from_node("10.43.0.6", 80), "pod1 10.42.0.1");
}

TEST_F(PacketTest, AThousandEndpoints) {
  start();
  endpoints({1});
  for (int i = 1; i < 1000; ++i) {
    slice.endpoints.push_back(slice.endpoints[0]);
    slice.endpoints.back().address =
        *Address::parse("10.42." + std::to_string(1 + i / 250) + "." + std::to_string(i % 250));
  }
  change();
  EXPECT_NE(listed().find("chain spread-1000"), std::string::npos);
  endpoints({2});
  change();
  EXPECT_EQ(from_node(kFront, 80), "pod2 10.42.0.1");
}

// A packet that opens an SCTP association. The kernel's own SCTP isn't needed for that.
std::string sctp_init(uint16_t port) {
  std::string packet(32, '\0');
  packet[0] = 0x50;                                       // source port
  packet[2] = static_cast<char>(port >> 8);               // destination port
  packet[3] = static_cast<char>(port & 255);              // tag and checksum: 0
  packet[12] = 1;                                         // INIT
  packet[15] = 20;                                        // length of the chunk
  for (size_t at : {19u, 25u, 27u, 31u}) packet[at] = 1;  // tag, streams out and in, TSN
  packet[21] = 1;                                         // window
  uint32_t crc = 0xffffffff;
  for (char byte : packet) {
    crc ^= static_cast<uint8_t>(byte);
    for (int i = 0; i < 8; ++i) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78 : 0);
  }
  crc = ~crc;
  std::memcpy(packet.data() + 8, &crc, sizeof crc);
  return packet;
}

TEST_F(PacketTest, SctpIsTranslated) {
  web.ports = {{.protocol = "sctp", .port = 3868}};
  slice.ports = {{.protocol = "sctp", .port = 13868}};
  endpoints({1});
  start();
  os::Fd receiver, sender;
  in_namespace(network->pod(1),
               [&] { receiver = os::Fd(::socket(AF_INET, SOCK_RAW, IPPROTO_SCTP)); });
  in_namespace(network->pod(2), [&] {
    sender = os::Fd(::socket(AF_INET, SOCK_RAW, IPPROTO_SCTP));
    SocketAddress to = socket_address(kFront, 0);
    std::string packet = sctp_init(3868);
    EXPECT_EQ(::sendto(sender.get(), packet.data(), packet.size(), 0, to.get(), to.size), 32);
  });
  pollfd ready{receiver.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&ready, 1, 5000), 1);
  uint8_t text[128] = {};
  ASSERT_EQ(::recv(receiver.get(), text, sizeof text, 0), 20 + 32);
  EXPECT_EQ(text[22] << 8 | text[23], 13868) << "the endpoint's port";
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
