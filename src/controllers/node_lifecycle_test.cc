#include "controllers/node_lifecycle.h"

#include <gtest/gtest.h>

#include "controllers/control_world_test.h"
#include "controllers/node_taints.h"
#include "controllers/taint_eviction.h"
#include "kinds/coordination_v1.h"

namespace tiphys::controllers {
namespace {

constexpr MicroTime kNow = 1'700'000'000 * kMicrosPerSecond;

struct TestNode {
  Draft draft = core_v1::Node::make();
  core_v1::NodeEdit edit{draft};

  TestNode& condition(std::string_view type, std::string_view status) {
    auto added = edit.edit_status().edit_conditions().append();
    added.set_type(type);
    added.set_status(status);
    return *this;
  }
  std::set<std::string> taints() {
    std::set<std::string> found;
    for (core_v1::Taint taint : edit.view().spec().taints()) {
      found.insert(std::string(taint.key()) + ":" + std::string(taint.effect()));
    }
    return found;
  }
};

TEST(NodeLifecycle, TaintsFollowConditions) {
  TestNode node;
  node.condition("Ready", "False").condition("DiskPressure", "True");
  node.edit.edit_spec().set_unschedulable(true);
  EXPECT_TRUE(update_taints(node.edit, Evictions::kAllowed, kNow));
  EXPECT_EQ(node.taints(), (std::set<std::string>{"node.kubernetes.io/not-ready:NoSchedule",
                                                  "node.kubernetes.io/not-ready:NoExecute",
                                                  "node.kubernetes.io/disk-pressure:NoSchedule",
                                                  "node.kubernetes.io/unschedulable:NoSchedule"}));
  EXPECT_FALSE(update_taints(node.edit, Evictions::kAllowed, kNow)) << "at rest nothing changes";
}

TEST(NodeLifecycle, SilentNodeBecomesUnreachableAndRecovers) {
  TestNode node;
  node.condition("Ready", "True");
  EXPECT_FALSE(update_taints(node.edit, Evictions::kAllowed, kNow));
  mark_unknown(node.edit, kNow);
  EXPECT_FALSE(has_live_conditions(node.edit.view()));
  EXPECT_TRUE(update_taints(node.edit, Evictions::kAllowed, kNow));
  EXPECT_TRUE(node.taints().contains("node.kubernetes.io/unreachable:NoExecute"));
  auto ready = node.edit.edit_status().edit_conditions()[0];
  EXPECT_EQ(node.edit.view().status().conditions()[0].reason(), "NodeStatusUnknown");
  EXPECT_EQ(node.edit.view().status().conditions()[1].reason(), "NodeStatusNeverUpdated");
  ready.set_status("True");
  EXPECT_TRUE(update_taints(node.edit, Evictions::kAllowed, kNow));
  EXPECT_TRUE(node.taints().empty());
}

TEST(NodeLifecycle, KeepsTaintsOfOthers) {
  TestNode node;
  node.condition("Ready", "True");
  auto taint = node.edit.edit_spec().edit_taints().append();
  taint.set_key("dedicated");
  taint.set_effect("NoExecute");
  EXPECT_FALSE(update_taints(node.edit, Evictions::kAllowed, kNow));
  EXPECT_EQ(node.taints(), std::set<std::string>{"dedicated:NoExecute"});
}

TEST(NodeLifecycle, TaintsThatEvictAreHeldSwappedAndTakenBack) {
  TestNode node;
  node.condition("Ready", "False");
  update_taints(node.edit, Evictions::kHeld, kNow);
  EXPECT_EQ(node.taints(), std::set<std::string>{"node.kubernetes.io/not-ready:NoSchedule"});
  update_taints(node.edit, Evictions::kAllowed, kNow);
  EXPECT_TRUE(node.taints().contains("node.kubernetes.io/not-ready:NoExecute"));
  mark_unknown(node.edit, kNow);
  update_taints(node.edit, Evictions::kHeld, kNow);
  EXPECT_EQ(node.taints(), (std::set<std::string>{"node.kubernetes.io/unreachable:NoSchedule",
                                                  "node.kubernetes.io/unreachable:NoExecute"}));
  update_taints(node.edit, Evictions::kNone, kNow);
  EXPECT_EQ(node.taints(), std::set<std::string>{"node.kubernetes.io/unreachable:NoSchedule"});
}

TEST(NodeLifecycle, BetaLabelsFollowTheStableOnes) {
  TestNode node;
  node.edit.edit_metadata().edit_labels().set("kubernetes.io/os", "linux");
  EXPECT_TRUE(update_labels(node.edit));
  EXPECT_EQ(node.edit.view().metadata().labels().find("beta.kubernetes.io/os"), "linux");
  EXPECT_FALSE(update_labels(node.edit));
}

TEST(NodeZones, StatesAndRates) {
  ZoneLimits limits;
  EXPECT_EQ(zone_state({1, 0}, limits), ZoneState::kNormal);
  EXPECT_EQ(zone_state({0, 1}, limits), ZoneState::kFullDisruption);
  EXPECT_EQ(zone_state({1, 2}, limits), ZoneState::kNormal) << "two are few";
  EXPECT_EQ(zone_state({2, 3}, limits), ZoneState::kPartialDisruption);
  EXPECT_EQ(zone_state({3, 3}, limits), ZoneState::kNormal) << "half is less than 55%";
  EXPECT_EQ(eviction_rate(ZoneState::kNormal, {9, 1}, limits), 0.1);
  EXPECT_EQ(eviction_rate(ZoneState::kFullDisruption, {0, 9}, limits), 0.1);
  EXPECT_EQ(eviction_rate(ZoneState::kPartialDisruption, {10, 40}, limits), 0) << "small";
  EXPECT_EQ(eviction_rate(ZoneState::kPartialDisruption, {10, 41}, limits), 0.01);
}

TEST(NodeZones, OneNodeAtATimeAndNoneIfAllAreLost) {
  using std::chrono::seconds;
  NodeZones zones{{}};
  MonoTime now = MonoTime{} + seconds(1000);
  EXPECT_EQ(zones.update({{"a", {5, 0}}, {"b", {5, 0}}}, now), NodeZones::Change::kNone);
  EXPECT_EQ(zones.wait("a", now), Duration::zero());
  zones.took("a", now);
  EXPECT_EQ(zones.wait("a", now), Duration(seconds(10)));
  EXPECT_EQ(zones.wait("b", now), Duration::zero()) << "each zone by itself";
  zones.give_back("a", now + seconds(1));
  EXPECT_EQ(zones.wait("a", now + seconds(1)), Duration::zero()) << "it failed: the next may";
  zones.took("a", now);
  EXPECT_EQ(zones.update({{"a", {2, 3}}, {"b", {0, 5}}}, now), NodeZones::Change::kRates);
  EXPECT_EQ(zones.wait("a", now), std::nullopt) << "small and mostly unhealthy: stop";
  EXPECT_EQ(zones.wait("b", now), Duration::zero()) << "all of a zone: the normal rate";
  EXPECT_EQ(zones.update({{"a", {0, 5}}, {"b", {0, 5}}}, now), NodeZones::Change::kLost);
  EXPECT_EQ(zones.wait("b", now), std::nullopt);
  EXPECT_EQ(zones.update({{"a", {5, 0}}, {"b", {0, 5}}}, now), NodeZones::Change::kFound);
  EXPECT_EQ(zones.wait("b", now), Duration::zero());
  EXPECT_EQ(zones.wait("a", now), Duration(seconds(10))) << "a new rate begins with a pause";
}

TEST(NodeZones, RegionAndZoneMakeAZone) {
  TestNode node;
  EXPECT_EQ(zone_of(node.edit.view()), "");
  node.edit.edit_metadata().edit_labels().set("topology.kubernetes.io/zone", "z");
  std::string only_zone = zone_of(node.edit.view());
  node.edit.edit_metadata().edit_labels().set("topology.kubernetes.io/region", "r");
  EXPECT_NE(zone_of(node.edit.view()), only_zone);
}

TEST(TaintEviction, TolerationSecondsCountFromTheTaint) {
  TestNode node;
  auto taint = node.edit.edit_spec().edit_taints().append();
  taint.set_key("node.kubernetes.io/unreachable");
  taint.set_effect("NoExecute");
  taint.set_time_added(kNow);
  Draft draft = core_v1::Pod::make();
  core_v1::PodEdit pod(draft);
  auto taints = [&] { return node.edit.view().spec().taints(); };
  EXPECT_EQ(eviction_time(pod.view(), taints(), kNow + 5), kNow + 5) << "not tolerated: now";
  auto toleration = pod.edit_spec().edit_tolerations().append();
  toleration.set_key("node.kubernetes.io/unreachable");
  toleration.set_operator("Exists");
  EXPECT_EQ(eviction_time(pod.view(), taints(), kNow), std::nullopt) << "tolerated for ever";
  toleration.set_toleration_seconds(300);
  EXPECT_EQ(eviction_time(pod.view(), taints(), kNow), kNow + 300 * kMicrosPerSecond);
}

// A node with a Lease, as its kubelet keeps them.
struct LiveNode {
  ControlWorld& world;

  void report(std::string_view ready, std::string_view name = "n") {
    TestNode node;
    node.edit.edit_metadata().set_name(name);
    if (ObjectPtr there = world.api.get(nodes(), "", name)) node.draft = Draft(*there);
    core_v1::NodeEdit edit(node.draft);
    edit.edit_status().clear_conditions();
    auto condition = edit.edit_status().edit_conditions().append();
    condition.set_type("Ready");
    condition.set_status(ready);
    condition.set_last_heartbeat_time(world.loop.wall());
    world.api.put(nodes(), node.draft.freeze());
  }
  // Others are well all the time.
  void pass(std::chrono::seconds time) {
    for (; time > std::chrono::seconds(0); time -= std::chrono::seconds(5)) {
      report("True", "other");
      world.loop.run_for(std::chrono::seconds(5));
    }
  }
  void renew() {
    Draft draft = coordination_v1::Lease::make();
    coordination_v1::LeaseEdit lease(draft);
    lease.edit_metadata().set_name("n");
    lease.edit_metadata().set_namespace("kube-node-lease");
    lease.edit_spec().set_renew_time(world.loop.wall());
    world.api.put(leases(), draft.freeze());
  }
  void put_pod(std::string_view name, std::optional<int64_t> tolerated_seconds) {
    Draft draft = core_v1::Pod::make();
    core_v1::PodEdit pod(draft);
    pod.edit_metadata().set_name(name);
    pod.edit_metadata().set_namespace("default");
    pod.edit_spec().set_node_name("n");
    if (tolerated_seconds) {
      auto toleration = pod.edit_spec().edit_tolerations().append();
      toleration.set_key("node.kubernetes.io/unreachable");
      toleration.set_operator("Exists");
      toleration.set_effect("NoExecute");
      toleration.set_toleration_seconds(*tolerated_seconds);
    }
    world.api.put(pods(), draft.freeze());
  }
  bool tainted(std::string_view key) {
    ObjectPtr node = world.api.get(nodes(), "", "n");
    for (core_v1::Taint taint : core_v1::Node(*node).spec().taints()) {
      if (taint.key() == key && taint.effect() == "NoExecute") return true;
    }
    return false;
  }
  bool leaving(std::string_view pod) {
    ObjectPtr object = world.api.get(pods(), "default", pod);
    return !object || metadata(*object).has_deletion_timestamp();
  }
};

TEST(NodeLifecycle, ALeaseThatExpiresTaintsAndEvicts) {
  ControlWorld world(1, {"node-lifecycle-controller", "taint-eviction-controller"});
  LiveNode node{world};
  node.report("True");
  node.put_pod("now", std::nullopt);
  node.put_pod("later", 300);
  for (int i = 0; i < 12; ++i) {
    node.renew();
    node.pass(std::chrono::seconds(10));
  }
  EXPECT_FALSE(node.tainted("node.kubernetes.io/unreachable")) << "renewed every 10 s";
  node.pass(std::chrono::seconds(35));
  EXPECT_FALSE(node.tainted("node.kubernetes.io/unreachable")) << "within the grace period";
  node.pass(std::chrono::seconds(30));
  EXPECT_TRUE(node.tainted("node.kubernetes.io/unreachable"));
  EXPECT_TRUE(node.leaving("now"));
  EXPECT_FALSE(node.leaving("later"));
  node.pass(std::chrono::seconds(310));
  EXPECT_TRUE(node.leaving("later"));
  node.renew();
  node.report("True");
  node.pass(std::chrono::seconds(5));
  EXPECT_FALSE(node.tainted("node.kubernetes.io/unreachable")) << "back";
}

// Nodes are looked at together, so that many that come back don't wait for each other's writes; the
// zone's limit holds all the same.
TEST(NodeLifecycle, NodesLookedAtTogetherKeepToTheZonesLimit) {
  ControlWorld world(1, {"node-lifecycle-controller"});
  world.api.set_delay(milliseconds(100));
  LiveNode node{world};
  auto name = [](int i) { return "m" + std::to_string(i); };
  auto evicting = [&] {
    int count = 0;
    for (const ObjectPtr& object : world.api.list(nodes(), "")) {
      count += is_evicting(core_v1::Node(*object)) ? 1 : 0;
    }
    return count;
  };
  auto tainted = [&] {
    int count = 0;
    for (const ObjectPtr& object : world.api.list(nodes(), "")) {
      count += core_v1::Node(*object).spec().taints().empty() ? 0 : 1;
    }
    return count;
  };
  for (int i = 0; i < 60; ++i) node.report("True", name(i));
  world.loop.run_for(seconds(20));
  for (int i = 0; i < 20; ++i) node.report("False", name(i));
  world.loop.run_for(seconds(2));
  EXPECT_EQ(tainted(), 20);
  EXPECT_EQ(evicting(), 1);
  world.loop.run_for(seconds(10));
  EXPECT_EQ(evicting(), 2) << "one in ten seconds";
  for (int i = 0; i < 20; ++i) node.report("True", name(i));
  world.loop.run_for(seconds(1));
  EXPECT_EQ(tainted(), 0) << "all of them within a few writes' time";
}

// Upstream's allocator looped on such nodes and wrote a log without end.
TEST(NodeIpam, nodes_with_odd_ranges_are_left_alone) {
  ControlWorld world(1, {"node-ipam-controller"});
  auto put = [&](std::string_view name, const std::vector<std::string>& ranges) {
    TestNode node;
    node.edit.edit_metadata().set_name(name);
    if (!ranges.empty()) node.edit.edit_spec().set_pod_cidr(ranges[0]);
    for (const std::string& range : ranges) node.edit.edit_spec().edit_pod_cidrs().append(range);
    world.api.put(nodes(), node.draft.freeze());
  };
  put("outside", {"192.168.1.0/24"});
  put("huge", {"0.0.0.0/0"});
  put("tiny", {"10.42.0.7/32"});
  put("nonsense", {"none"});
  put("six", {"fd00::/64"});
  put("both", {"10.42.1.0/24", "fd00:1::/64"});
  put("twin-1", {"10.42.2.0/24"});
  put("twin-2", {"10.42.2.0/24"});
  int64_t before = world.api.store().revision();
  world.loop.run_for(minutes(10));
  EXPECT_EQ(world.api.store().revision(), before) << "nothing to write, no events";
  put("plain", {});
  world.loop.run_for(seconds(5));
  ObjectPtr plain = world.api.get(nodes(), "", "plain");
  EXPECT_EQ(core_v1::Node(*plain).spec().pod_cidr(), "10.42.0.0/24");
  EXPECT_EQ(world.api.store().revision(), before + 2) << "the node and its range";
}

TEST(NodeIpam, nodes_get_a_range_of_each_family) {
  ControlWorld world(1, {"node-ipam-controller"});
  world.options.ranges.cluster_cidr = "10.42.0.0/23,fd00:42::/63";
  world.restart();
  auto put = [&](std::string_view name, const std::vector<std::string>& ranges) {
    TestNode node;
    node.edit.edit_metadata().set_name(name);
    if (!ranges.empty()) node.edit.edit_spec().set_pod_cidr(ranges[0]);
    for (const std::string& range : ranges) node.edit.edit_spec().edit_pod_cidrs().append(range);
    world.api.put(nodes(), node.draft.freeze());
    world.loop.run_for(seconds(5));
  };
  auto ranges = [&](std::string_view name) {
    ObjectPtr node = world.api.get(nodes(), "", name);
    core_v1::NodeSpec spec = core_v1::Node(*node).spec();
    std::string text(spec.pod_cidr());
    for (std::string_view range : spec.pod_cidrs()) text += " " + std::string(range);
    return text;
  };
  put("a", {});
  EXPECT_EQ(ranges("a"), "10.42.0.0/24 10.42.0.0/24 fd00:42::/64");
  // One of a time when there was one family: it keeps what it has, and no other gets it.
  put("old", {"fd00:42:0:1::/64"});
  int64_t before = world.api.store().revision();
  world.loop.run_for(minutes(10));
  EXPECT_EQ(world.api.store().revision(), before);
  put("b", {});
  EXPECT_EQ(ranges("b"), "") << "no range of IPv6 is left";
  world.loop.run_for(minutes(5));
  EXPECT_EQ(ranges("b"), "");
  world.api.remove(nodes(), "", "old");
  world.loop.run_for(minutes(2));
  EXPECT_EQ(ranges("b"), "10.42.1.0/24 10.42.1.0/24 fd00:42:0:1::/64");
}

TEST(NodeIpam, an_exhausted_range_is_told_and_the_next_free_one_is_given) {
  ControlWorld world(1, {"node-ipam-controller"});
  world.options.ranges.cluster_cidr = "10.42.0.0/23";
  world.restart();
  for (const char* name : {"node-1", "node-2", "late"}) {
    TestNode node;
    node.edit.edit_metadata().set_name(name);
    world.api.put(nodes(), node.draft.freeze());
    world.loop.run_for(seconds(5));
  }
  world.loop.run_for(minutes(10));
  auto range = [&] {
    return std::string(core_v1::Node(*world.api.get(nodes(), "", "late")).spec().pod_cidr());
  };
  EXPECT_EQ(range(), "");
  EXPECT_EQ(world.event_texts("CIDRNotAvailable"),
            std::multiset<std::string>{"Node late status is now: CIDRNotAvailable"})
      << "one event, counted";
  world.api.remove(nodes(), "", "node-1");
  world.loop.run_for(minutes(2));
  EXPECT_EQ(range(), "10.42.0.0/24") << "that of node-1";
}

}  // namespace
}  // namespace tiphys::controllers
