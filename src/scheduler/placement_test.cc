// PodPlacement from lists: what the tests of plugins show, once more as an object.
#include "scheduler/placement.h"

#include "kinds/tiphys_v1.h"
#include "scheduler/objects_test.h"

namespace tiphys::scheduler {
namespace {

class PlacementTest : public testing::Test {
 protected:
  PlacementTest() { cluster.feeds.resize(snapshot_feeds().size()); }
  void node(const NodeShape& shape) { cluster.feeds[0].push_back(node_object(shape)); }
  tiphys_v1::PodPlacement explain(const PodShape& shape) {
    ObjectPtr pod = pod_object(shape);
    cluster.pods.push_back(pod);
    placement = explain_placement(pod, cluster, Profiles({default_profile()}));
    return tiphys_v1::PodPlacement(*placement);
  }
  std::string feasible(const PodShape& shape) {
    std::string text;
    for (tiphys_v1::NodePlacement node : explain(shape).nodes()) {
      if (node.feasible()) text.append(text.empty() ? "" : " ").append(node.name());
    }
    return text;
  }
  ClusterObjects cluster;
  ObjectPtr placement;
};

TEST_F(PlacementTest, RoomOfPlacedAndNominatedPodsIsTaken) {
  node({.name = "a", .allocatable = R"({"cpu":"2","memory":"4Gi","pods":"9"})"});
  node({.name = "b", .allocatable = R"({"cpu":"2","memory":"4Gi","pods":"9"})"});
  EXPECT_EQ(feasible({.name = "one", .requests = R"({"cpu":"1"})", .spec = R"("nodeName":"b")"}),
            "a b")
      << "it doesn't stand in its own way";
  EXPECT_EQ(feasible({.name = "two", .requests = R"({"cpu":"2"})"}), "a");
  cluster.pods.push_back(object_of(
      "Pod", R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"n","namespace":"default",
                 "uid":"n"},"spec":{"containers":[{"name":"c","resources":{"requests":
                 {"cpu":"1"}}}]},"status":{"nominatedNodeName":"a"}})"));
  EXPECT_EQ(feasible({.name = "three", .requests = R"({"cpu":"2"})"}), "");
  EXPECT_EQ(tiphys_v1::PodPlacement(*placement).message(),
            "0/2 nodes are available: 2 Insufficient cpu.");
}

TEST_F(PlacementTest, PodsThatAreOverTakeNothing) {
  node({.name = "a", .allocatable = R"({"cpu":"1","memory":"4Gi","pods":"9"})"});
  cluster.pods.push_back(object_of(
      "Pod", R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"n","namespace":"default",
                 "uid":"n"},"spec":{"nodeName":"a","containers":[{"name":"c","resources":
                 {"requests":{"cpu":"1"}}}]},"status":{"phase":"Succeeded"}})"));
  EXPECT_EQ(feasible({.requests = R"({"cpu":"1"})"}), "a");
}

TEST_F(PlacementTest, ExtendersThatHaveASayAreNamed) {
  node({.name = "a"});
  ExtenderConfig judge{.url_prefix = "http://judge/scheduler", .filter_verb = "filter"};
  ExtenderConfig other = judge;
  other.url_prefix = "http://other";
  other.managed_resources = {{"example.com/gpu"}};
  ObjectPtr pod = pod_object({});
  ObjectPtr told = explain_placement(pod, cluster, Profiles({default_profile()}), {judge, other});
  std::string message(tiphys_v1::PodPlacement(*told).message());
  EXPECT_TRUE(message.ends_with(" extender http://judge/scheduler: not asked.")) << message;
}

TEST_F(PlacementTest, TheBestComesFirst) {
  node({.name = "a", .spec = R"("taints":[{"key":"x","effect":"PreferNoSchedule"}])"});
  node({.name = "b", .spec = R"("unschedulable":true)"});
  node({.name = "c"});
  EXPECT_EQ(feasible({}), "c a");
  tiphys_v1::PodPlacement told(*placement);
  EXPECT_EQ(told.nodes()[2].name(), "b");
  EXPECT_FALSE(told.nodes()[2].has_score());
  EXPECT_EQ(told.nodes()[2].rejections()[0].plugin(), "NodeUnschedulable");
  int64_t sum = 0;
  for (tiphys_v1::PluginScore score : told.nodes()[0].scores()) sum += score.score();
  EXPECT_EQ(told.nodes()[0].score(), sum);
}

}  // namespace
}  // namespace tiphys::scheduler
