#include "kubelet/network/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/random.h"

namespace tiphys::kubelet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using os::Address;
using os::Family;

constexpr int kLo = 1;
constexpr int kEth = 2;
constexpr int kBridge = 3;
constexpr int kVx = 9;

uint32_t ip(int a, int b, int c, int d) {
  return static_cast<uint32_t>(a) << 24 | static_cast<uint32_t>(b) << 16 |
         static_cast<uint32_t>(c) << 8 | static_cast<uint32_t>(d);
}

// This node: 192.168.1.1/24 on eth0, pods 10.42.0.0/24.
os::Routing machine() {
  os::Routing out;
  out.links = {{.index = kLo,
                .name = "lo",
                .mtu = 65536,
                .up = true,
                .loopback = true,
                .addresses = {{ip(127, 0, 0, 1), 8}}},
               {.index = kEth,
                .name = "eth0",
                .mtu = 1500,
                .up = true,
                .addresses = {{ip(192, 168, 1, 1), 24}}},
               {.index = kBridge,
                .name = "tiphys0",
                .mtu = 1500,
                .up = true,
                .addresses = {{ip(10, 42, 0, 1), 24}}}};
  out.routes = {{.destination = ip(10, 42, 0, 0), .bits = 24, .link = kBridge, .protocol = 2}};
  return out;
}

PeerNode node(std::string name, std::string cidr, std::string address, MicroTime created = 0) {
  return {std::move(name), std::move(cidr), std::move(address), created};
}

RouteInput cluster(std::vector<PeerNode> nodes) {
  return {.own_name = "one",
          .own_cidr = "10.42.0.0/24",
          .own_address = "192.168.1.1",
          .cluster_cidr = "10.42.0.0/16",
          .bridge = "tiphys0",
          .nodes = std::move(nodes)};
}

// Of IPv6: 2001:db8:1::<host> on the segment, 2001:db8:9::<host> behind the router, pods
// fd00:42:0:<node>::/64.
Address wide(uint32_t first, uint32_t second, uint32_t last) {
  return Address{first} << 96 | Address{second} << 64 | last;
}
Address near(uint32_t host) { return wide(0x20010db8, 0x00010000, host); }
Address pods(uint32_t node) { return wide(0xfd000042, node, 0); }

os::Routing wide_machine() {
  os::Routing out = machine();
  out.links[0].addresses = {{1, 128}};
  out.links[1].addresses = {{wide(0xfe800000, 0, 1), 64}, {near(1), 64}};
  out.links[2].addresses = {{pods(0) + 1, 64}, {wide(0xfe800000, 0, 2), 64}};
  out.routes = {{.destination = pods(0), .bits = 64, .link = kBridge, .protocol = 2, .metric = 256},
                {.destination = wide(0xfe800000, 0, 0),
                 .bits = 64,
                 .link = kEth,
                 .protocol = 2,
                 .metric = 256}};
  return out;
}

RouteInput wide_cluster(std::vector<PeerNode> nodes) {
  return {.family = Family::kIpv6,
          .own_name = "one",
          .own_cidr = "fd00:42::/64",
          .own_address = "192.168.1.1,2001:db8:1::1",
          .cluster_cidr = "10.42.0.0/16,fd00:42::/48",
          .service_cidrs = {"10.43.0.0/16", "fd00:43::/108"},
          .bridge = "tiphys0",
          .nodes = std::move(nodes)};
}

// What the kernel shows after the plan.
void carry_out(const RoutePlan& plan, os::Routing& kernel) {
  auto drop = [](auto& list, const auto& gone) {
    for (const auto& one : gone) std::erase(list, one);
  };
  for (int index : plan.remove_links) {
    std::erase_if(kernel.links, [&](const os::Link& l) { return l.index == index; });
    std::erase_if(kernel.routes, [&](const os::Route& r) { return r.link == index; });
    std::erase_if(kernel.neighbours, [&](const os::Neighbour& n) { return n.link == index; });
    std::erase_if(kernel.forwards, [&](const os::Forward& f) { return f.link == index; });
  }
  if (const auto& device = plan.add_vxlan) {
    kernel.links.push_back({.index = kVx,
                            .name = device->name,
                            .mtu = device->mtu,
                            .up = true,
                            .mac = device->mac,
                            .vxlan = device->vxlan,
                            .addresses = {device->address}});
  }
  if (plan.changes_devices()) return;
  drop(kernel.routes, plan.remove_routes);
  drop(kernel.neighbours, plan.remove_neighbours);
  drop(kernel.forwards, plan.remove_forwards);
  for (const auto& one : plan.add_routes) kernel.routes.push_back(one);
  for (const auto& one : plan.add_neighbours) kernel.neighbours.push_back(one);
  for (const auto& one : plan.add_forwards) kernel.forwards.push_back(one);
}

RoutePlan settle(const RouteInput& input, os::Routing& kernel) {
  RoutePlan plan = plan_routes(input, kernel);
  if (plan.changes_devices()) {
    carry_out(plan, kernel);
    plan = plan_routes(input, kernel);
  }
  carry_out(plan, kernel);
  EXPECT_TRUE(plan_routes(input, kernel).empty()) << "at rest nothing is done";
  return plan;
}

const os::Route kToTwo{.destination = ip(10, 42, 1, 0),
                       .bits = 24,
                       .gateway = ip(192, 168, 1, 2),
                       .link = kEth,
                       .protocol = kRouteProtocol};
const PeerNode kTwo = node("two", "10.42.1.0/24", "192.168.1.2");

TEST(RoutesTest, a_node_on_the_segment_is_the_gateway_of_its_pods) {
  os::Routing kernel = machine();
  RoutePlan plan = settle(cluster({node("one", "10.42.0.0/24", "192.168.1.1"), kTwo}), kernel);
  EXPECT_THAT(plan.add_routes, ElementsAre(kToTwo));
  EXPECT_EQ(plan.pod_mtu, 1500);
  EXPECT_FALSE(plan.changes_devices());
  EXPECT_THAT(plan.refused, IsEmpty());
}

TEST(RoutesTest, nodes_without_a_range_or_an_address_are_waited_for) {
  os::Routing kernel = machine();
  RoutePlan plan =
      settle(cluster({node("two", "", "192.168.1.2"), node("c", "10.42.2.0/24", "")}), kernel);
  EXPECT_TRUE(plan.empty());
  EXPECT_THAT(plan.refused, IsEmpty());
}

TEST(RoutesTest, a_node_behind_a_router_is_reached_by_vxlan) {
  os::Routing kernel = machine();
  RouteInput input = cluster({kTwo, node("three", "10.42.2.0/24", "172.16.0.3")});
  RoutePlan first = plan_routes(input, kernel);
  ASSERT_TRUE(first.add_vxlan);
  EXPECT_EQ(first.add_vxlan->name, "tiphys0.vx");
  EXPECT_EQ(first.add_vxlan->vxlan, (os::Vxlan{Family::kIpv4, 1, ip(192, 168, 1, 1), kEth, 8472}));
  EXPECT_EQ(first.add_vxlan->mtu, 1450);
  EXPECT_EQ(first.add_vxlan->address, (os::LinkAddress{ip(10, 42, 0, 0), 32}));
  EXPECT_EQ(first.add_vxlan->mac, (os::Mac{2, 0x54, 192, 168, 1, 1}));
  RoutePlan plan = settle(input, kernel);
  EXPECT_EQ(plan.pod_mtu, 1450);
  os::Route over{.destination = ip(10, 42, 2, 0),
                 .bits = 24,
                 .gateway = ip(10, 42, 2, 0),
                 .link = kVx,
                 .protocol = kRouteProtocol,
                 .on_link = true};
  EXPECT_THAT(plan.add_routes, ElementsAre(kToTwo, over));
  os::Mac mac{2, 0x54, 172, 16, 0, 3};
  EXPECT_THAT(plan.add_neighbours, ElementsAre(os::Neighbour{ip(10, 42, 2, 0), mac, kVx}));
  EXPECT_THAT(plan.add_forwards, ElementsAre(os::Forward{mac, ip(172, 16, 0, 3), kVx}));
}

TEST(RoutesTest, the_device_goes_with_the_last_that_needs_it) {
  os::Routing kernel = machine();
  settle(cluster({kTwo, node("three", "10.42.2.0/24", "172.16.0.3")}), kernel);
  RoutePlan plan = plan_routes(cluster({kTwo}), kernel);
  EXPECT_THAT(plan.remove_links, ElementsAre(kVx));
  settle(cluster({kTwo}), kernel);
  EXPECT_THAT(kernel.links, SizeIs(3));
  EXPECT_THAT(kernel.routes, SizeIs(2));
}

TEST(RoutesTest, a_device_that_was_changed_is_made_anew) {
  os::Routing kernel = machine();
  RouteInput input = cluster({node("three", "10.42.2.0/24", "172.16.0.3")});
  settle(input, kernel);
  kernel.links.back().vxlan->port = 4789;
  RoutePlan plan = plan_routes(input, kernel);
  EXPECT_THAT(plan.remove_links, ElementsAre(kVx));
  ASSERT_TRUE(plan.add_vxlan);
  settle(input, kernel);
  EXPECT_EQ(kernel.links.back().vxlan->port, kVxlanPort);
}

TEST(RoutesTest, what_was_removed_comes_back_and_leftovers_go) {
  os::Routing kernel = machine();
  settle(cluster({kTwo}), kernel);
  std::erase(kernel.routes, kToTwo);
  os::Route left = kToTwo;
  left.destination = ip(10, 42, 7, 0);
  kernel.routes.push_back(left);
  RoutePlan plan = settle(cluster({kTwo}), kernel);
  EXPECT_THAT(plan.add_routes, ElementsAre(kToTwo));
  EXPECT_THAT(plan.remove_routes, ElementsAre(left));
}

TEST(RoutesTest, another_address_replaces_the_route) {
  os::Routing kernel = machine();
  settle(cluster({kTwo}), kernel);
  RoutePlan plan = settle(cluster({node("two", "10.42.1.0/24", "192.168.1.7")}), kernel);
  EXPECT_THAT(plan.remove_routes, ElementsAre(kToTwo));
  ASSERT_THAT(plan.add_routes, SizeIs(1));
  EXPECT_EQ(plan.add_routes[0].gateway, ip(192, 168, 1, 7));
}

TEST(RoutesTest, routes_of_others_are_left_alone) {
  os::Routing kernel = machine();
  os::Route foreign{.destination = ip(10, 42, 1, 0),
                    .bits = 24,
                    .gateway = ip(192, 168, 1, 250),
                    .link = kEth,
                    .protocol = 4};
  os::Route another_clusters = kToTwo;
  another_clusters.destination = ip(10, 90, 1, 0);
  kernel.routes.push_back(foreign);
  kernel.routes.push_back(another_clusters);
  RoutePlan plan = plan_routes(cluster({kTwo}), kernel);
  EXPECT_TRUE(plan.empty());
  EXPECT_THAT(plan.refused.at("two"), HasSubstr("another route to 10.42.1.0/24 is there"));
}

TEST(RoutesTest, hostile_nodes_are_refused_alone) {
  struct Case {
    PeerNode node;
    std::string why;
  };
  for (const Case& one : std::vector<Case>{
           {node("x", "0.0.0.0/0", "192.168.1.9"), "not within the cluster's range"},
           {node("x", "10.0.0.0/8", "192.168.1.9"), "not within the cluster's range"},
           {node("x", "10.43.0.0/24", "192.168.1.9"), "not within the cluster's range"},
           {node("x", "10.42.0.128/25", "192.168.1.9"), "overlaps that of this node"},
           {node("x", "10.42.0.0/16", "192.168.1.9"), "overlaps that of this node"},
           {node("x", "10.42.1.128/25", "192.168.1.9", 5), "overlaps that of node \"two\""},
           {node("x", "10.42.1.0/23", "192.168.1.9", 5), "overlaps"},
           {node("x", "10.42.3.0/33", "192.168.1.9"), "is no IPv4 range"},
           {node("x", "nonsense", "192.168.1.9"), "is no IPv4 range"},
           {node("x", "10.42.3.0/24", "192.168.1.1"), "is this node's own"},
           {node("x", "10.42.3.0/24", "10.42.0.1"), "is this node's own"},
           {node("x", "10.42.3.0/24", "10.42.9.9"), "is within the pods' range"},
           {node("x", "10.42.3.0/24", "127.0.0.1"), "is no address of a machine"},
           {node("x", "10.42.3.0/24", "224.0.0.5"), "is no address of a machine"},
           {node("x", "10.42.3.0/24", "255.255.255.255"), "is no address of a machine"},
           {node("x", "10.42.3.0/24", "0.0.0.0"), "is no address of a machine"},
           {node("x", "10.42.3.0/24", "169.254.169.254"), "is no address of a machine"},
           {node("x", "10.42.3.0/24", "host.example"), "is no IPv4 address"}}) {
    os::Routing kernel = machine();
    RoutePlan plan = settle(cluster({one.node, kTwo}), kernel);
    EXPECT_THAT(plan.add_routes, ElementsAre(kToTwo)) << one.node.pod_cidr << one.node.address;
    ASSERT_TRUE(plan.refused.contains("x")) << one.node.pod_cidr << one.node.address;
    EXPECT_THAT(plan.refused.at("x"), HasSubstr(one.why));
  }
}

TEST(RoutesTest, of_two_that_claim_a_range_the_older_keeps_it) {
  os::Routing kernel = machine();
  PeerNode younger = node("a", "10.42.1.0/24", "192.168.1.8", 5);
  RoutePlan plan = settle(cluster({younger, kTwo}), kernel);
  EXPECT_THAT(plan.add_routes, ElementsAre(kToTwo));
  EXPECT_THAT(plan.refused.at("a"), HasSubstr("overlaps that of node \"two\""));
}

TEST(RoutesTest, a_node_that_left_has_no_routes) {
  os::Routing kernel = machine();
  settle(cluster({kTwo, node("three", "10.42.2.0/24", "172.16.0.3")}), kernel);
  RouteInput left = cluster({kTwo});
  left.own_cidr.clear();
  EXPECT_EQ(settle(left, kernel).pod_mtu, 0) << "it is as it was";
  EXPECT_THAT(kernel.routes, SizeIs(1));
  EXPECT_THAT(kernel.links, SizeIs(3));
}

TEST(RoutesTest, nobody_is_at_the_addresses_of_hollow_nodes) {
  os::Routing kernel = machine();
  RoutePlan plan = settle(cluster({node("hollow", "10.42.5.0/24", "198.18.0.1")}), kernel);
  EXPECT_TRUE(plan.empty());
  EXPECT_THAT(plan.refused, IsEmpty());
}

TEST(RoutesTest, the_families_of_a_dual_stack_cluster_are_told_apart) {
  os::Routing kernel = machine();
  RouteInput input = cluster({kTwo});
  input.cluster_cidr = "fd00::/48,10.42.0.0/16";
  input.own_address = "192.168.1.1,fd01::1";
  EXPECT_THAT(settle(input, kernel).add_routes, ElementsAre(kToTwo));
}

// Whatever the Nodes and the kernel say: it settles, and others' routes stay.
TEST(RoutesTest, any_state_settles) {
  SeededRandom random(7);
  for (int round = 0; round < 300; ++round) {
    os::Routing kernel = machine();
    std::vector<PeerNode> nodes;
    for (uint64_t i = 0; i < 1 + random.below(8); ++i) {
      std::string third = std::to_string(random.below(4));
      std::string far = random.below(2) == 0 ? "192.168.1." : "172.16.0.";
      nodes.push_back(node(
          "n" + std::to_string(i), "10.42." + third + ".0/" + std::to_string(23 + random.below(3)),
          far + std::to_string(random.below(4)), static_cast<MicroTime>(random.below(3))));
    }
    std::vector<os::Route> foreign;
    for (uint64_t i = 0; i < random.below(4); ++i) {
      os::Route route = kToTwo;
      route.destination = ip(10, 42, static_cast<int>(random.below(6)), 0);
      route.protocol = random.below(2) == 0 ? kRouteProtocol : uint8_t{3};
      if (std::ranges::find(kernel.routes, route) != kernel.routes.end()) continue;
      kernel.routes.push_back(route);
      if (route.protocol == 3) foreign.push_back(route);
    }
    settle(cluster(nodes), kernel);
    for (const os::Route& route : foreign) {
      EXPECT_NE(std::ranges::find(kernel.routes, route), kernel.routes.end());
    }
  }
}

TEST(RoutesTest, an_ipv6_node_on_the_segment_is_the_gateway_of_its_pods) {
  os::Routing kernel = wide_machine();
  RoutePlan plan = settle(wide_cluster({node("two", "fd00:42:0:1::/64", "2001:db8:1::2")}), kernel);
  EXPECT_THAT(plan.add_routes, ElementsAre(os::Route{.destination = pods(1),
                                                     .bits = 64,
                                                     .gateway = near(2),
                                                     .link = kEth,
                                                     .protocol = kRouteProtocol,
                                                     .metric = os::kMetricV6}));
  EXPECT_EQ(plan.family, Family::kIpv6);
  EXPECT_EQ(plan.pod_mtu, 1500);
  EXPECT_THAT(plan.refused, IsEmpty());
}

TEST(RoutesTest, an_ipv6_node_behind_a_router_is_reached_by_a_device_of_its_own) {
  os::Routing kernel = wide_machine();
  RouteInput input = wide_cluster({node("three", "fd00:42:0:2::/64", "2001:db8:9::3")});
  RoutePlan first = plan_routes(input, kernel);
  ASSERT_TRUE(first.add_vxlan);
  EXPECT_EQ(first.add_vxlan->name, "tiphys0.vx6");
  EXPECT_EQ(first.add_vxlan->vxlan, (os::Vxlan{Family::kIpv6, 1, near(1), kEth, 8472}));
  EXPECT_EQ(first.add_vxlan->mtu, 1430);
  EXPECT_EQ(first.add_vxlan->address, (os::LinkAddress{pods(0), 128}));
  RoutePlan plan = settle(input, kernel);
  EXPECT_EQ(plan.pod_mtu, 1430);
  EXPECT_THAT(plan.add_routes, ElementsAre(os::Route{.destination = pods(2),
                                                     .bits = 64,
                                                     .gateway = pods(2),
                                                     .link = kVx,
                                                     .protocol = kRouteProtocol,
                                                     .metric = os::kMetricV6,
                                                     .on_link = true}));
  Address host = wide(0x20010db8, 0x00090000, 3);
  os::Mac mac = vxlan_mac(Family::kIpv6, host);
  EXPECT_EQ(mac[0], 6);
  EXPECT_THAT(plan.add_neighbours, ElementsAre(os::Neighbour{pods(2), mac, kVx}));
  EXPECT_THAT(plan.add_forwards, ElementsAre(os::Forward{mac, host, kVx}));
}

TEST(RoutesTest, ipv6_nodes_that_are_wrong_are_refused_alone) {
  struct Case {
    PeerNode node;
    std::string why;
  };
  PeerNode two = node("two", "fd00:42:0:1::/64", "2001:db8:1::2");
  for (const Case& one : std::vector<Case>{
           {node("x", "::/0", "2001:db8:1::9"), "not within the cluster's range"},
           {node("x", "fd00:43::/64", "2001:db8:1::9"), "not within the cluster's range"},
           {node("x", "fd00:42::/64", "2001:db8:1::9"), "overlaps that of this node"},
           {node("x", "fd00:42:0:1:8000::/65", "2001:db8:1::9", 5), "overlaps that of node"},
           {node("x", "fd00:42:0:3::/129", "2001:db8:1::9"), "is no IPv6 range"},
           {node("x", "::ffff:10.42.3.0/120", "2001:db8:1::9"), "is no IPv6 range"},
           {node("x", "fd00:42:0:3::/64", "2001:db8:1::1"), "is this node's own"},
           {node("x", "fd00:42:0:3::/64", "fd00:42:0:9::9"), "is within the pods' range"},
           {node("x", "fd00:42:0:3::/64", "::1"), "is no address of a machine"},
           {node("x", "fd00:42:0:3::/64", "::"), "is no address of a machine"},
           {node("x", "fd00:42:0:3::/64", "fe80::9"), "is no address of a machine"},
           {node("x", "fd00:42:0:3::/64", "ff02::1"), "is no address of a machine"},
           {node("x", "fd00:42:0:3::/64", "fe80::9%eth0"), "is no IPv6 address"},
           {node("x", "fd00:42:0:3::/64", "::ffff:192.168.1.9"), "is no IPv6 address"},
           {node("x", "fd00:42:0:3::/64", "192.168.1.9"), "is no IPv6 address"}}) {
    os::Routing kernel = wide_machine();
    RoutePlan plan = settle(wide_cluster({one.node, two}), kernel);
    EXPECT_THAT(plan.add_routes, SizeIs(1)) << one.node.pod_cidr << one.node.address;
    ASSERT_TRUE(plan.refused.contains("x")) << one.node.pod_cidr << one.node.address;
    EXPECT_THAT(plan.refused.at("x"), HasSubstr(one.why));
  }
}

TEST(RoutesTest, what_services_have_is_no_nodes) {
  os::Routing kernel = machine();
  RouteInput input = cluster({node("x", "10.42.200.0/24", "192.168.1.9"), kTwo});
  input.service_cidrs = {"nonsense", "fd00:43::/108", "10.42.192.0/18"};
  RoutePlan plan = settle(input, kernel);
  EXPECT_THAT(plan.add_routes, ElementsAre(kToTwo));
  EXPECT_EQ(plan.refused.at("x"),
            "podCIDR 10.42.200.0/24 overlaps the services' range 10.42.192.0/18");
}

TEST(RoutesTest, a_device_of_others_with_our_number_is_named_and_left_alone) {
  os::Routing kernel = machine();
  kernel.links.push_back({.index = 7,
                          .name = "flannel.1",
                          .mtu = 1450,
                          .up = true,
                          .vxlan = os::Vxlan{Family::kIpv4, 1, ip(192, 168, 1, 1), kEth, 8472}});
  RouteInput input = cluster({kTwo, node("three", "10.42.2.0/24", "172.16.0.3")});
  RoutePlan plan = settle(input, kernel);
  EXPECT_THAT(plan.add_routes, ElementsAre(kToTwo));
  EXPECT_FALSE(plan.changes_devices());
  EXPECT_EQ(plan.pod_mtu, 1500);
  EXPECT_THAT(plan.refused.at("three"),
              HasSubstr("172.16.0.3 is behind a router, and there can be no VXLAN device: device "
                        "flannel.1 has VXLAN's VNI 1 and port 8472 already"));
  // The other family's, another number or another port is in nobody's way.
  for (const os::Vxlan& other : {os::Vxlan{Family::kIpv6, 1, near(1), kEth, 8472},
                                 {Family::kIpv4, 2, ip(192, 168, 1, 1), kEth, 8472},
                                 {Family::kIpv4, 1, ip(192, 168, 1, 1), kEth, 4789}}) {
    os::Routing machine_with = machine();
    machine_with.links.push_back({.index = 7, .name = "other", .up = true, .vxlan = other});
    EXPECT_THAT(settle(input, machine_with).refused, IsEmpty());
  }
}

TEST(RoutesTest, who_cannot_be_tunneled_to_is_told) {
  os::Routing kernel = machine();
  RouteInput input = cluster({kTwo, node("three", "10.42.2.0/24", "172.16.0.3")});
  input.own_address = "192.168.7.7";
  RoutePlan plan = settle(input, kernel);
  EXPECT_THAT(plan.add_routes, ElementsAre(kToTwo));
  EXPECT_THAT(plan.refused.at("three"), HasSubstr("no link of this node has its InternalIP"));

  os::Routing narrow = wide_machine();
  narrow.links[1].mtu = 1349;
  plan = settle(wide_cluster({node("three", "fd00:42:0:2::/64", "2001:db8:9::3")}), narrow);
  EXPECT_THAT(plan.refused.at("three"),
              HasSubstr("the MTU of eth0, 1349, leaves less than the 1280 that IPv6 needs"));
}

TEST(RoutesTest, two_behind_a_router_with_one_address_do_not_share_a_mac) {
  os::Routing kernel = machine();
  RoutePlan plan = settle(cluster({node("three", "10.42.2.0/24", "172.16.0.3"),
                                   node("four", "10.42.3.0/24", "172.16.0.3", 5)}),
                          kernel);
  EXPECT_THAT(plan.add_forwards, SizeIs(1));
  EXPECT_THAT(plan.refused.at("four"), HasSubstr("the same VXLAN MAC as that of node \"three\""));
}

// Deleted and made again with another range, as after a drain.
TEST(RoutesTest, routes_follow_a_range_that_changes) {
  for (std::string address : {"192.168.1.2", "172.16.0.2"}) {
    os::Routing kernel = machine();
    settle(cluster({node("two", "10.42.1.0/24", address)}), kernel);
    settle(cluster({}), kernel);
    EXPECT_THAT(kernel.routes, SizeIs(1));
    settle(cluster({node("two", "10.42.7.0/24", address, 9)}), kernel);
    ASSERT_THAT(kernel.routes, SizeIs(2));
    EXPECT_EQ(kernel.routes[1].destination, ip(10, 42, 7, 0));
    // At once, without a pause between; and this node's own.
    RouteInput own = cluster({node("two", "10.42.0.0/24", address, 9)});
    own.own_cidr = "10.42.8.0/24";
    kernel.routes[0].destination = ip(10, 42, 8, 0);
    settle(own, kernel);
    ASSERT_THAT(kernel.routes, SizeIs(2));
    EXPECT_EQ(kernel.routes[1].destination, ip(10, 42, 0, 0));
  }
}

TEST(VxlanNameTest, fits_a_devices_name) {
  EXPECT_EQ(vxlan_name(Family::kIpv4, "tiphys0"), "tiphys0.vx");
  EXPECT_EQ(vxlan_name(Family::kIpv6, "tiphys0"), "tiphys0.vx6");
}

TEST(VxlanNameTest, differs_for_bridges_whose_names_are_long) {
  std::string one = vxlan_name(Family::kIpv6, "a-bridge-of-15c");
  std::string other = vxlan_name(Family::kIpv6, "a-bridge-of-15d");
  EXPECT_THAT(one, testing::StartsWith("a-bridg"));
  EXPECT_EQ(one.size(), 15u);
  EXPECT_NE(one, other);
}

TEST(VxlanMacTest, follows_from_the_address) {
  EXPECT_EQ(vxlan_mac(Family::kIpv4, ip(192, 168, 1, 1)), (os::Mac{2, 0x54, 192, 168, 1, 1}));
  std::set<os::Mac> macs;
  for (uint32_t host = 0; host < 5000; ++host) macs.insert(vxlan_mac(Family::kIpv6, near(host)));
  EXPECT_THAT(macs, SizeIs(5000));
}

}  // namespace
}  // namespace tiphys::kubelet
