#include "controllers/node_lifecycle.h"

#include <gtest/gtest.h>

#include "controllers/node_ipam.h"
#include "controllers/taint_eviction.h"

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
  EXPECT_TRUE(update_taints(node.edit, kNow));
  EXPECT_EQ(node.taints(), (std::set<std::string>{"node.kubernetes.io/not-ready:NoSchedule",
                                                  "node.kubernetes.io/not-ready:NoExecute",
                                                  "node.kubernetes.io/disk-pressure:NoSchedule",
                                                  "node.kubernetes.io/unschedulable:NoSchedule"}));
  EXPECT_FALSE(update_taints(node.edit, kNow)) << "at rest nothing changes";
}

TEST(NodeLifecycle, SilentNodeBecomesUnreachableAndRecovers) {
  TestNode node;
  node.condition("Ready", "True");
  EXPECT_FALSE(update_taints(node.edit, kNow));
  mark_unknown(node.edit, kNow);
  EXPECT_FALSE(has_live_conditions(node.edit.view()));
  EXPECT_TRUE(update_taints(node.edit, kNow));
  EXPECT_TRUE(node.taints().contains("node.kubernetes.io/unreachable:NoExecute"));
  auto ready = node.edit.edit_status().edit_conditions()[0];
  EXPECT_EQ(node.edit.view().status().conditions()[0].reason(), "NodeStatusUnknown");
  EXPECT_EQ(node.edit.view().status().conditions()[1].reason(), "NodeStatusNeverUpdated");
  ready.set_status("True");
  EXPECT_TRUE(update_taints(node.edit, kNow));
  EXPECT_TRUE(node.taints().empty());
}

TEST(NodeLifecycle, KeepsTaintsOfOthers) {
  TestNode node;
  node.condition("Ready", "True");
  auto taint = node.edit.edit_spec().edit_taints().append();
  taint.set_key("dedicated");
  taint.set_effect("NoExecute");
  EXPECT_FALSE(update_taints(node.edit, kNow));
  EXPECT_EQ(node.taints(), std::set<std::string>{"dedicated:NoExecute"});
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

TEST(RangePool, GivesEachNodeItsOwnRange) {
  Result<RangePool> pool = RangePool::create("10.42.0.0/22", 24);
  ASSERT_TRUE(pool);
  EXPECT_TRUE(pool->take("10.42.1.0/24", "b"));
  EXPECT_FALSE(pool->take("192.168.0.0/24", "odd"));
  EXPECT_FALSE(pool->take("nonsense", "odd"));
  EXPECT_EQ(pool->range_for("a"), "10.42.0.0/24");
  EXPECT_EQ(pool->range_for("b"), "10.42.1.0/24");
  EXPECT_EQ(pool->range_for("c"), "10.42.2.0/24");
  EXPECT_EQ(pool->range_for("d"), "10.42.3.0/24");
  EXPECT_EQ(pool->range_for("e"), std::nullopt);
  pool->give_back("c");
  EXPECT_EQ(pool->range_for("e"), "10.42.2.0/24");
}

TEST(RangePool, RefusesBadRanges) {
  EXPECT_FALSE(RangePool::create("10.42.0.0", 24));
  EXPECT_FALSE(RangePool::create("10.42.0.0/25", 24));
  EXPECT_FALSE(RangePool::create("0.0.0.0/1", 24));
}

}  // namespace
}  // namespace tiphys::controllers
