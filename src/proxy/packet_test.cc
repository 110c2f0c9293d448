// Real packets through the rules of every mode and family, in network namespaces that the test
// makes.
#include <map>

#include "os/files.h"
#include "proxy/conntrack_table.h"
#include "proxy/packet_fixture_test.h"
#include "proxy/stale_flows.h"

namespace tiphys::proxy {
namespace {

INSTANTIATE_TEST_SUITE_P(Rules, PacketTest,
                         testing::Values(Ruling{"nftables"}, Ruling{"nftables", Family::kIpv6},
                                         Ruling{"nft"}, Ruling{"nft", Family::kIpv6},
                                         Ruling{"legacy"}, Ruling{"legacy", Family::kIpv6}),
                         ruling_name);

TEST_P(PacketTest, ClusterIpFromPodKeepsTheSource) {
  endpoints({2});
  start();
  EXPECT_EQ(from_pod(1, front(), 80), "pod2 " + seen_from_pod(1));
  EXPECT_EQ(from_pod(1, front(), 53, true), "pod2 " + seen_from_pod(1));
}

TEST_P(PacketTest, SameBridgeWithoutBrNetfilter) {
  in_namespace(network->node(), [&] {
    for (const char* name : {"bridge-nf-call-iptables", "bridge-nf-call-ip6tables"}) {
      Result<void> off = os::write_file(std::string("/proc/sys/net/bridge/") + name, "0");
      if (!off) std::fprintf(stderr, "br_netfilter is absent, as this test wants it\n");
    }
  });
  settings.masquerade_same_node = true;
  endpoints({2});
  start();
  EXPECT_EQ(from_pod(1, front(), 80), "pod2 " + bridge_ip());
  EXPECT_EQ(from_pod(1, front(), 53, true), "pod2 " + bridge_ip());
  EXPECT_EQ(from_pod(2, front(), 80), "pod2 " + bridge_ip());
}

TEST_P(PacketTest, HairpinIsMasqueraded) {
  endpoints({1});
  start();
  EXPECT_EQ(from_pod(1, front(), 80), "pod1 " + bridge_ip());
  EXPECT_EQ(from_pod(1, front(), 53, true), "pod1 " + bridge_ip());
}

TEST_P(PacketTest, ClusterIpFromTheHostAndFromOutside) {
  endpoints({1});
  start();
  EXPECT_EQ(from_node(front(), 80), "pod1 " + bridge_ip());
  EXPECT_EQ(from_node(front(), 53, true), "pod1 " + bridge_ip());
  EXPECT_EQ(from_client(front(), 80), "pod1 " + bridge_ip());
  settings.masquerade_all = true;
  start();
  EXPECT_EQ(from_pod(2, front(), 80), "pod1 " + bridge_ip());
}

TEST_P(PacketTest, NodePortFromHostPodAndLan) {
  endpoints({1});
  start();
  std::string expected = "pod1 " + bridge_ip();
  EXPECT_EQ(from_node(node_ip(), 30080), expected);
  EXPECT_EQ(from_node(bridge_ip(), 30080), expected);
  EXPECT_EQ(from_pod(2, node_ip(), 30080), expected);
  EXPECT_EQ(from_pod(1, node_ip(), 30080), expected);
  EXPECT_EQ(from_client(node_ip(), 30080), expected);
  EXPECT_EQ(from_client(node_ip(), 30053, true), expected);
  EXPECT_EQ(from_node(pick("127.0.0.1", "::1"), 30080), "error: refused") << "never on loopback";
}

TEST_P(PacketTest, NodePortsOnSomeAddressesOnly) {
  settings.node_port_cidrs = {*Cidr::parse("10.42.0.0/24"), *Cidr::parse("fd42::/64")};
  endpoints({1});
  start();
  EXPECT_EQ(from_node(bridge_ip(), 30080), "pod1 " + bridge_ip());
  EXPECT_EQ(from_client(bridge_ip(), 30080), "pod1 " + bridge_ip());
  EXPECT_EQ(from_client(node_ip(), 30080), "error: refused");
  EXPECT_EQ(from_client(node_ip(), 30053, true), "error: refused");
}

// Ranges of the other family say nothing about this one.
TEST_P(PacketTest, NodePortRangesOfTheOtherFamily) {
  settings.node_port_cidrs = {*Cidr::parse(pick("fd42::/64", "10.42.0.0/24"))};
  endpoints({1});
  start();
  EXPECT_EQ(from_client(node_ip(), 30080), "pod1 " + bridge_ip());
}

TEST_P(PacketTest, SpreadsOverAllEndpoints) {
  endpoints({1, 2});
  start();
  std::set<std::string> seen;
  for (int i = 0; i < 40; ++i) seen.insert(from_node(front(), 80).substr(0, 4));
  EXPECT_EQ(seen, (std::set<std::string>{"pod1", "pod2"}));
}

TEST_P(PacketTest, NoEndpointsIsRefusedAtOnce) {
  web.external_ips = {*Address::parse(outside_ip(4))};
  start();
  EXPECT_EQ(from_client(outside_ip(4), 80), "error: refused");
  EXPECT_EQ(from_node(outside_ip(4), 80), "error: refused");
  EXPECT_EQ(from_node(front(), 80), "error: refused");
  EXPECT_EQ(from_pod(1, front(), 80), "error: refused");
  EXPECT_EQ(from_pod(1, front(), 53, true), "error: refused");
  EXPECT_EQ(from_client(node_ip(), 30080), "error: refused");
  EXPECT_EQ(from_node(node_ip(), 30080), "error: refused");
}

TEST_P(PacketTest, ChangesMoveTrafficIncrementally) {
  endpoints({1});
  start();
  EXPECT_EQ(from_node(front(), 80), "pod1 " + bridge_ip());
  endpoints({2});
  change();
  EXPECT_EQ(from_node(front(), 80), "pod2 " + bridge_ip());
  endpoints({});
  change();
  EXPECT_EQ(from_node(front(), 80), "error: refused");
  endpoints({1});
  change();
  EXPECT_EQ(from_node(front(), 80), "pod1 " + bridge_ip());
  erase(web);
  apply(false);
  EXPECT_NE(network->fetch(network->pod(1), front(), 80, false, 0, PacketNetwork::kSilenceMs)
                .substr(0, 3),
            "pod");
}

TEST_P(PacketTest, UdpFlowsFollowTheEndpoints) {
  endpoints({1});
  start();
  auto ask = [&] { return network->fetch(network->client(), node_ip(), 30053, true, 5555); };
  EXPECT_EQ(ask(), "pod1 " + bridge_ip());
  endpoints({2});
  change();
  EXPECT_EQ(ask(), "pod1 " + bridge_ip()) << "as the kernel remembers the flow";
  std::vector<Targets> targets(2);
  targets[1].cluster = {{*Address::parse(pod_ip(2)), 5300}};
  in_namespace(network->node(), [&] {
    Fronts fronts = fronts_of(web, targets, family());
    EXPECT_EQ(remove_stale_flows(fronts, family()).value_or(-1), 1);
    EXPECT_EQ(remove_stale_flows(fronts, family()).value_or(-1), 0);
  });
  EXPECT_EQ(ask(), "pod2 " + bridge_ip());
}

TEST_P(PacketTest, ClientIpAffinitySticks) {
  web.affinity_seconds = 60;
  endpoints({1, 2});
  start();
  for (const std::string& ns : {network->client(), network->node()}) {
    std::set<std::string> seen;
    for (int i = 0; i < 12; ++i) seen.insert(network->fetch(ns, node_ip(), 30080));
    EXPECT_EQ(seen.size(), 1u);
    EXPECT_EQ(seen.begin()->substr(0, 3), "pod");
  }
  web.affinity_seconds = 90;
  change();
}

TEST_P(PacketTest, AffinityAndPolicyLocal) {
  web.affinity_seconds = 60;
  web.external_local = web.internal_local = true;
  endpoints({1, 2});
  slice.endpoints[1].node_name = "n2";
  start();
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(from_client(node_ip(), 30080), "pod1 " + client_ip());
    EXPECT_EQ(from_node(front(), 80).substr(0, 4), "pod1");
  }
}

TEST_P(PacketTest, ExternalPolicyLocalKeepsTheClientAddress) {
  web.external_local = true;
  endpoints({1});
  start();
  EXPECT_EQ(from_client(node_ip(), 30080), "pod1 " + client_ip());
  EXPECT_EQ(from_pod(1, node_ip(), 30080), "pod1 " + bridge_ip()) << "itself";
  slice.endpoints[0].node_name = "n2";
  change();
  EXPECT_TRUE(silent(network->client(), node_ip(), 30080));
  EXPECT_EQ(from_node(node_ip(), 30080), "pod1 " + bridge_ip());
  EXPECT_EQ(from_pod(2, node_ip(), 30080).substr(0, 4), "pod1");
}

TEST_P(PacketTest, InternalPolicyLocalDropsWithoutLocalEndpoint) {
  web.internal_local = true;
  endpoints({1});
  slice.endpoints[0].node_name = "n2";
  start();
  EXPECT_TRUE(silent(network->pod(2), front(), 80));
  endpoints({1});
  change();
  EXPECT_EQ(from_pod(2, front(), 80).substr(0, 4), "pod1");
}

TEST_P(PacketTest, ExternalIpAndLoadBalancerWithSourceRanges) {
  web.external_ips = {*Address::parse(outside_ip(4))};
  web.ingress_ips = {*Address::parse(outside_ip(5))};
  web.source_ranges = {*Cidr::parse("192.168.77.0/24"), *Cidr::parse("fd77::/64")};
  endpoints({1});
  start();
  EXPECT_EQ(from_client(outside_ip(4), 80), "pod1 " + bridge_ip());
  EXPECT_EQ(from_client(outside_ip(5), 80), "pod1 " + bridge_ip());
  EXPECT_TRUE(silent(network->pod(2), outside_ip(5), 80));
  web.source_ranges = {*Cidr::parse("203.0.113.0/24"), *Cidr::parse("2001:db8:1::/64")};
  change();
  EXPECT_TRUE(silent(network->client(), outside_ip(5), 80));
  EXPECT_EQ(from_client(outside_ip(4), 80), "pod1 " + bridge_ip());
}

TEST_P(PacketTest, LoadBalancerWithPolicyLocal) {
  web.ingress_ips = {*Address::parse(outside_ip(5))};
  web.source_ranges = {*Cidr::parse("192.168.77.2/32"), *Cidr::parse("fd77::2/128")};
  web.external_local = true;
  endpoints({1, 2});
  slice.endpoints[1].node_name = "n2";
  start();
  EXPECT_EQ(from_client(outside_ip(5), 80), "pod1 " + client_ip());
  EXPECT_EQ(from_client(node_ip(), 30080), "pod1 " + client_ip());
  EXPECT_TRUE(silent(network->pod(2), outside_ip(5), 80));
}

TEST_P(PacketTest, TwoServicesWantOneNodePort) {
  endpoints({1});
  start();
  ServiceFacts other = web;
  other.key = "default/zoo";
  other.cluster_ips = {*Address::parse(other_front())};
  endpoints({2});
  set(other);
  apply(false);
  EXPECT_EQ(from_client(node_ip(), 30080), "pod1 " + bridge_ip());
  EXPECT_EQ(from_node(other_front(), 80), "pod2 " + bridge_ip());
  erase(web);
  apply(false);
  EXPECT_EQ(from_client(node_ip(), 30080), "pod2 " + bridge_ip());
}

// Who is local, by upstream's detectLocalMode: such a source isn't masqueraded on its way to a
// ClusterIP, and gets past a policy Local that has no endpoint here.
TEST_P(PacketTest, LocalTrafficIsDetectedInEveryMode) {
  network->add_routed_pod();
  network->add_far_pod();
  const std::map<std::string, std::string> sources = {
      {network->routed(), pick("10.42.9.2", "fd42:0:0:9::2")},
      {network->far_pod(), pick("10.42.7.9", "fd42:0:0:7::9")},
      {network->client(), client_ip()},
      {network->pod(2), pod_ip(2)}};
  struct Mode {
    std::string title;
    std::vector<Cidr> ranges;
    std::string interface;
    std::set<std::string> local;
  };
  auto cidr = [&](const char* v4_text, const char* v6_text) {
    return std::vector<Cidr>{*Cidr::parse(pick(v4_text, v6_text))};
  };
  const std::vector<Mode> modes = {
      {"ClusterCIDR",
       cidr("10.42.0.0/16", "fd42::/48"),
       "",
       {network->routed(), network->far_pod(), network->pod(2)}},
      {"NodeCIDR", cidr("10.42.0.0/24", "fd42::/64"), "", {network->pod(2)}},
      {"BridgeInterface", {}, "br0", {network->pod(2)}},
      {"InterfaceNamePrefix", {}, "cali+", {network->routed()}},
      {"none of them", {}, "", {}}};
  endpoints({1});
  for (const Mode& mode : modes) {
    settings.cluster_cidrs = mode.ranges;
    settings.local_interface = mode.interface;
    web.external_local = false;
    slice.endpoints[0].node_name = "n1";
    start();
    for (const auto& [ns, address] : sources) {
      bool kept = mode.local.contains(ns) || (mode.title == "none of them");
      bool bridged = ns == network->pod(2) && settings.masquerade_same_node;
      EXPECT_EQ(network->fetch(ns, front(), 80),
                "pod1 " + (kept && !bridged ? address : bridge_ip()))
          << mode.title << ", ClusterIP from " << address;
    }
    web.external_local = true;
    slice.endpoints[0].node_name = "n2";
    change();
    for (const auto& [ns, address] : sources) {
      bool answered = !silent(ns, node_ip(), 30080);
      EXPECT_EQ(answered, mode.local.contains(ns)) << mode.title << ", node port from " << address;
    }
  }
}

// ---- IPv4 only ----

class PacketV4Test : public PacketTest {};
INSTANTIATE_TEST_SUITE_P(Rules, PacketV4Test,
                         testing::Values(Ruling{"nftables"}, Ruling{"nft"}, Ruling{"legacy"}),
                         ruling_name);

// With route_localnet on as other software leaves it.
TEST_P(PacketV4Test, cve_2020_8558_loopback_is_closed_to_the_lan) {
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
  EXPECT_TRUE(silent(network->client(), "127.0.0.1", 9000));
  EXPECT_EQ(from_node("127.0.0.1", 9000), "local 127.0.0.1");
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

TEST_P(PacketV4Test, SctpIsTranslated) {
  web.ports = {{.protocol = "sctp", .port = 3868}};
  slice.ports = {{.protocol = "sctp", .port = 13868}};
  endpoints({1});
  start();
  os::Fd receiver, sender;
  in_namespace(network->pod(1),
               [&] { receiver = os::Fd(::socket(AF_INET, SOCK_RAW, IPPROTO_SCTP)); });
  in_namespace(network->pod(2), [&] {
    sender = os::Fd(::socket(AF_INET, SOCK_RAW, IPPROTO_SCTP));
    SocketAddress to = socket_address(front(), 0);
    std::string packet = sctp_init(3868);
    EXPECT_EQ(::sendto(sender.get(), packet.data(), packet.size(), 0, to.get(), to.size), 32);
  });
  pollfd ready{receiver.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&ready, 1, 5000), 1);
  uint8_t text[128] = {};
  ASSERT_EQ(::recv(receiver.get(), text, sizeof text, 0), 20 + 32);
  EXPECT_EQ(text[22] << 8 | text[23], 13868) << "the endpoint's port";
}

}  // namespace
}  // namespace tiphys::proxy
