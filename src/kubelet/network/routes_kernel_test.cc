// Plans of routes against the kernel's own tables: carried out, they are what the next look finds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "base/random.h"
#include "kubelet/network/route_keeper.h"
#include "os/process.h"

namespace tiphys::kubelet {
namespace {

using os::Family;
using testing::IsEmpty;
using testing::SizeIs;

// Runs fn in a network namespace of its own, of a node with a bridge and a link.
template <class Fn>
void on_a_machine(Fn fn) {
  std::thread([&] {
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
    std::string batch =
        "link set lo up\nlink add eth0 type veth peer name far\nlink set far up\nlink set eth0 up\n"
        "address add 192.168.1.1/24 dev eth0\naddress add 2001:db8:1::1/64 dev eth0 nodad\n"
        "link add tiphys0 type bridge\nlink set tiphys0 up\n"
        "address add 10.42.0.1/24 dev tiphys0\naddress add fd00:42::1/64 dev tiphys0 nodad\n";
    Result<os::CommandResult> made = os::run_command({"ip", "-batch", "-"}, batch);
    ASSERT_TRUE(made && made->status == 0) << (made ? made->err : made.error().message());
    fn();
  }).join();
}

RouteInput cluster(Family family) {
  return {.family = family,
          .own_name = "one",
          .own_cidr = "10.42.0.0/24,fd00:42::/64",
          .own_address = "192.168.1.1,2001:db8:1::1",
          .cluster_cidr = "10.42.0.0/16,fd00:42::/48",
          .bridge = "tiphys0"};
}

PeerNode peer(Family family, std::string number, bool far) {
  bool wide = family == Family::kIpv6;
  std::string cidr = wide ? "fd00:42:0:" + number + "::/64" : "10.42." + number + ".0/24";
  std::string segment =
      wide ? (far ? "2001:db8:9::" : "2001:db8:1::") : (far ? "172.16.0." : "192.168.1.");
  return {.name = "n" + number, .pod_cidr = cidr, .address = segment + number};
}

RoutePlan plan_now(const RouteInput& input) {
  Result<os::Routing> present = os::read_routing(input.family);
  EXPECT_TRUE(present);
  return plan_routes(input, *present);
}

// What is left to do when the plan was carried out.
RoutePlan settled(const RouteInput& input) {
  RoutePlan plan = plan_now(input);
  for (int round = 0; round < 2 && !plan.empty(); ++round) {
    Result<void> done = apply_plan(plan);
    EXPECT_TRUE(done) << done.error().message();
    plan = plan_now(input);
  }
  return plan;
}

size_t ours(Family family) {
  Result<os::Routing> present = os::read_routing(family);
  return static_cast<size_t>(std::ranges::count_if(
      present->routes, [](const os::Route& r) { return r.protocol == kRouteProtocol; }));
}

class RoutesKernelTest : public testing::TestWithParam<Family> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  }
};

TEST_P(RoutesKernelTest, any_nodes_settle_and_leave_nothing) {
  on_a_machine([family = GetParam()] {
    SeededRandom random(11);
    for (int round = 0; round < 20; ++round) {
      RouteInput input = cluster(family);
      for (int number = 2; number < 9; ++number) {
        if (random.below(2) == 0) continue;
        input.nodes.push_back(peer(family, std::to_string(number), random.below(3) == 0));
      }
      RoutePlan left = settled(input);
      ASSERT_TRUE(left.empty()) << "round " << round;
      EXPECT_THAT(left.refused, IsEmpty());
      EXPECT_EQ(ours(family), input.nodes.size());
    }
    RouteInput nobody{.family = family, .cluster_cidr = "10.42.0.0/16,fd00:42::/48"};
    nobody.bridge = "tiphys0";
    EXPECT_TRUE(settled(nobody).empty());
    EXPECT_EQ(ours(family), 0u);
    EXPECT_THAT(os::read_routing(family)->links, SizeIs(4));
  });
}

TEST_P(RoutesKernelTest, both_families_have_their_device_and_another_cluster_has_none) {
  on_a_machine([family = GetParam()] {
    for (Family one : {Family::kIpv4, Family::kIpv6}) {
      RouteInput input = cluster(one);
      input.nodes = {peer(one, "3", true)};
      EXPECT_TRUE(settled(input).empty());
    }
    RouteInput other = cluster(family);
    other.bridge = "tiphys1";
    other.own_cidr = "10.90.0.0/24,fd00:90::/64";
    other.cluster_cidr = "10.90.0.0/16,fd00:90::/48";
    other.nodes = {{"n3", family == Family::kIpv4 ? "10.90.3.0/24" : "fd00:90:0:3::/64",
                    family == Family::kIpv4 ? "172.16.0.3" : "2001:db8:9::3"}};
    RoutePlan left = settled(other);
    EXPECT_TRUE(left.empty());
    EXPECT_THAT(left.refused, SizeIs(1));
    EXPECT_EQ(ours(family), 1u) << "of the first cluster";
  });
}

INSTANTIATE_TEST_SUITE_P(Families, RoutesKernelTest, testing::Values(Family::kIpv4, Family::kIpv6),
                         [](const auto& one) {
                           return one.param == Family::kIpv4 ? "IPv4" : "IPv6";
                         });

}  // namespace
}  // namespace tiphys::kubelet
