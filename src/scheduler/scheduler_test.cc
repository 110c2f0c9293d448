// The whole scheduler on virtual time against a model API server.
#include "scheduler/scheduler_world_test.h"

namespace tiphys::scheduler {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST_F(SchedulerTest, BindsAndTells) {
  node({.name = "n1"});
  pod({.name = "web", .requests = R"({"cpu":"1"})"});
  loop.run_for(seconds(1));
  EXPECT_EQ(placed("web"), "n1");
  EXPECT_EQ(event_texts(),
            (std::vector<std::string>{
                "default-scheduler Normal Scheduled: Successfully assigned default/web to n1"}));
  EXPECT_EQ(scheduler.counters().scheduled, 1);
  EXPECT_EQ(scheduler.pending(), 0u);
}

TEST_F(SchedulerTest, SaysWhyNotAndTriesAgainWhenTheClusterChanges) {
  pod({.name = "web", .requests = R"({"cpu":"3"})"});
  loop.run_for(seconds(1));
  EXPECT_EQ(condition("web"), "False Unschedulable: no nodes available to schedule pods");
  node({.name = "n1"});
  pod({.name = "big", .requests = R"({"cpu":"4"})"});
  loop.run_for(seconds(5));
  EXPECT_EQ(placed("web") + placed("big"), "n1");
  const char* waiting = placed("web").empty() ? "web" : "big";
  const char* running = placed("web").empty() ? "big" : "web";
  EXPECT_EQ(condition(waiting),
            "False Unschedulable: 0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 "
            "nodes are available: 1 No preemption victims found for incoming pod.");
  size_t writes = api.write_count();
  loop.run_for(minutes(4));
  EXPECT_EQ(api.write_count(), writes) << "nothing changed, nothing written";
  api.remove(pods(), "default", running);
  api.finish_deleted_pods();
  loop.run_for(seconds(15));
  EXPECT_EQ(placed(waiting), "n1");
}

TEST_F(SchedulerTest, NodeHeartbeatsDontWakeAnybody) {
  node({.name = "n1", .allocatable = R"({"cpu":"1","memory":"1Gi","pods":"10"})"});
  pod({.name = "web", .requests = R"({"cpu":"2"})"});
  loop.run_for(seconds(20));
  int64_t attempts = scheduler.counters().unschedulable;
  node({.name = "n1",
        .allocatable = R"({"cpu":"1","memory":"1Gi","pods":"10"})",
        .status = R"("phase":"Running")"});
  loop.run_for(minutes(2));
  EXPECT_EQ(scheduler.counters().unschedulable, attempts);
  node({.name = "n1", .allocatable = R"({"cpu":"2","memory":"1Gi","pods":"10"})"});
  loop.run_for(seconds(15));
  EXPECT_EQ(placed("web"), "n1");
}

TEST_F(SchedulerTest, OtherSchedulersPodsAndGatedPodsAreLeftAlone) {
  node({.name = "n1"});
  pod({.name = "gated", .spec = R"("schedulingGates":[{"name":"x"}])"});
  Draft draft(*pod_object({.name = "foreign"}));
  core_v1::PodEdit(draft).edit_metadata().clear_uid();
  core_v1::PodEdit(draft).edit_spec().set_scheduler_name("mine");
  api.put(pods(), draft.freeze());
  loop.run_for(minutes(10));
  EXPECT_EQ(placed("gated"), "");
  EXPECT_EQ(placed("foreign"), "");
  pod({.name = "gated"});
  loop.run_for(seconds(1));
  EXPECT_EQ(placed("gated"), "n1");
}

TEST_F(SchedulerTest, BindErrorsGiveTheRoomBackAndRetry) {
  int failures = 3;
  api.before = [&](const client::Request& request) -> std::optional<ApiStatus> {
    if (request.path.find("/binding") == std::string::npos || failures-- <= 0) return std::nullopt;
    return ApiStatus::service_unavailable("try later");
  };
  node({.name = "n1", .allocatable = R"({"cpu":"1","memory":"1Gi","pods":"10"})"});
  pod({.name = "web", .requests = R"({"cpu":"1"})"});
  loop.run_for(minutes(1));
  EXPECT_EQ(placed("web"), "n1");
  EXPECT_EQ(scheduler.counters().errors, 3);
}

TEST_F(SchedulerTest, ALostBindingAnswerDoublesNothing) {
  bool lose = true;
  api.after = [&](const client::Request& request) -> std::optional<ApiStatus> {
    if (request.path.find("/binding") == std::string::npos) return std::nullopt;
    if (!std::exchange(lose, false)) return std::nullopt;
    return ApiStatus::timeout("lost");
  };
  node({.name = "n1"});
  pod({.name = "web"});
  loop.run_for(minutes(1));
  EXPECT_EQ(placed("web"), "n1");
  EXPECT_EQ(scheduler.pending(), 0u);
}

TEST_F(SchedulerTest, PodsDeletedWhileBeingBoundAreForgotten) {
  api.set_delay(milliseconds(100));
  node({.name = "n1", .allocatable = R"({"cpu":"1","memory":"1Gi","pods":"10"})"});
  loop.run_for(seconds(1));
  pod({.name = "web", .requests = R"({"cpu":"1"})"});
  loop.run_for(milliseconds(50));
  api.remove(pods(), "default", "web");
  api.finish_deleted_pods();
  loop.run_for(seconds(2));
  EXPECT_EQ(scheduler.pending(), 0u);
  pod({.name = "next", .requests = R"({"cpu":"1"})"});
  loop.run_for(seconds(5));
  EXPECT_EQ(placed("next"), "n1");
}

TEST_F(SchedulerTest, NoDoubleBookingWhileBindingsLag) {
  api.set_delay(milliseconds(300));
  api.set_watch_lag(seconds(3));
  for (int i = 0; i < 3; ++i) node({.name = "n" + std::to_string(i)});
  for (int i = 0; i < 30; ++i) {
    pod({.name = "p" + std::to_string(i), .requests = R"({"cpu":"1"})"});
  }
  loop.run_for(minutes(2));
  std::map<std::string, int> count;
  for (int i = 0; i < 30; ++i) ++count[placed(("p" + std::to_string(i)).c_str())];
  EXPECT_EQ(count, (std::map<std::string, int>{{"", 18}, {"n0", 4}, {"n1", 4}, {"n2", 4}}));
}

TEST_F(SchedulerTest, HigherPriorityPreemptsTheLeastImportant) {
  node({.name = "n1", .allocatable = R"({"cpu":"2","memory":"1Gi","pods":"10"})"});
  pod({.name = "low", .requests = R"({"cpu":"1"})", .spec = R"("priority":1)"});
  pod({.name = "mid", .requests = R"({"cpu":"1"})", .spec = R"("priority":5)"});
  loop.run_for(seconds(1));
  pod({.name = "high", .requests = R"({"cpu":"1"})", .spec = R"("priority":10)"});
  loop.run_for(seconds(2));
  ObjectPtr low = api.get(pods(), "default", "low");
  ASSERT_TRUE(low);
  EXPECT_TRUE(client::metadata(*low).has_deletion_timestamp());
  EXPECT_FALSE(client::metadata(*api.get(pods(), "default", "mid")).has_deletion_timestamp());
  EXPECT_EQ(core_v1::Pod(*api.get(pods(), "default", "high")).status().nominated_node_name(), "n1");
  // Room that was made isn't taken by somebody less important.
  pod({.name = "thief", .requests = R"({"cpu":"1"})", .spec = R"("priority":2)"});
  api.finish_deleted_pods();
  loop.run_for(seconds(30));
  EXPECT_EQ(placed("high"), "n1");
  EXPECT_EQ(placed("thief"), "");
  EXPECT_EQ(scheduler.counters().preemptions, 1);
}

TEST_F(SchedulerTest, NeverPreemptsIfThePodSaysSo) {
  node({.name = "n1", .allocatable = R"({"cpu":"1","memory":"1Gi","pods":"10"})"});
  pod({.name = "low", .requests = R"({"cpu":"1"})"});
  loop.run_for(seconds(1));
  pod({.name = "high",
       .requests = R"({"cpu":"1"})",
       .spec = R"("priority":10,"preemptionPolicy":"Never")"});
  loop.run_for(seconds(2));
  EXPECT_EQ(condition("high"),
            "False Unschedulable: 0/1 nodes are available: 1 Insufficient cpu. preemption: not "
            "eligible due to preemptionPolicy=Never.");
  EXPECT_EQ(placed("low"), "n1");
}

TEST_F(SchedulerTest, ManyUnschedulablePodsMakeNoHotLoop) {
  node({.name = "n1"});
  for (int i = 0; i < 300; ++i) {
    pod({.name = "p" + std::to_string(i), .requests = R"({"cpu":"64"})"});
  }
  loop.run_for(minutes(1));
  EXPECT_EQ(scheduler.counters().unschedulable, 300);
  node({.name = "n2"});
  loop.run_for(minutes(1));
  EXPECT_EQ(scheduler.counters().unschedulable, 300) << "the new node helps nobody";
  node({.name = "n3", .allocatable = R"({"cpu":"64","memory":"8Gi","pods":"110"})"});
  loop.run_for(minutes(1));
  EXPECT_EQ(scheduler.counters().scheduled, 1);
}

// ---- changes that help are not lost ----

TEST_F(SchedulerTest, HelpMayComeInTwoSteps) {
  node({.name = "n1", .spec = R"("taints":[{"key":"t","effect":"NoSchedule"}])"});
  pod({.name = "web",
       .spec = R"("affinity":{"podAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{
           "topologyKey":"kubernetes.io/hostname",
           "labelSelector":{"matchLabels":{"app":"db"}}}]}})"});
  loop.run_for(seconds(30));
  EXPECT_NE(condition("web").find("untolerated taint"), std::string::npos);
  node({.name = "n1"});
  loop.run_for(seconds(30));
  EXPECT_NE(condition("web").find("pod affinity rules"), std::string::npos) << condition("web");
  pod({.name = "db", .labels = R"({"app":"db"})"});
  loop.run_for(seconds(15));
  EXPECT_EQ(placed("web"), "n1");
}

TEST_F(SchedulerTest, RoomThatHelpsOnlyOnceOthersMovedIsRemembered) {
  const char* labels = R"({"app":"web"})";
  const char* spread =
      R"("topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"kubernetes.io/hostname",
      "whenUnsatisfiable":"DoNotSchedule","labelSelector":{"matchLabels":{"app":"web"}}}])";
  const char* small = R"({"cpu":"1","memory":"1Gi","pods":"10"})";
  const char* cpu = R"({"cpu":"1"})";
  node({.name = "n1", .allocatable = R"({"cpu":"2","memory":"1Gi","pods":"10"})"});
  node({.name = "n2", .allocatable = small});
  pod({.name = "one", .labels = labels, .spec = R"("nodeName":"n1")"});
  pod({.name = "fat", .requests = R"({"cpu":"2"})", .spec = R"("nodeName":"n1")"});
  pod({.name = "other", .requests = cpu, .spec = R"("nodeName":"n2")"});
  loop.run_for(seconds(1));
  pod({.name = "web", .labels = labels, .requests = cpu, .spec = spread});
  loop.run_for(seconds(30));
  api.remove(pods(), "default", "fat");  // n1 has room, but one of the kind already
  api.finish_deleted_pods();
  loop.run_for(seconds(30));
  EXPECT_EQ(placed("web"), "");
  api.remove(pods(), "default", "one");
  api.finish_deleted_pods();
  loop.run_for(seconds(15));
  EXPECT_EQ(placed("web"), "n1");
}

// ---- nominations ----

TEST_F(SchedulerTest, ANominationThatCantHelpIsCleared) {
  node({.name = "n1", .allocatable = R"({"cpu":"1","memory":"1Gi","pods":"10"})"});
  pod({.name = "high",
       .requests = R"({"cpu":"2"})",  // it doesn't fit yet
       .spec = R"("priority":10)"});
  Draft draft(*api.get(pods(), "default", "high"));
  core_v1::PodEdit(draft).edit_status().set_nominated_node_name("n1");
  api.put(pods(), draft.freeze());
  pod({.name = "low", .requests = R"({"cpu":"1"})", .spec = R"("priority":1)"});
  loop.run_for(milliseconds(900));
  EXPECT_EQ(placed("low"), "n1");
  loop.run_for(seconds(5));
  EXPECT_EQ(core_v1::Pod(*api.get(pods(), "default", "high")).status().nominated_node_name(), "");
}

// A pod of the same priority may take no room that is kept, nor count on a pod that may never come.
TEST_F(SchedulerTest, ANominatedPodIsNoCompanyYet) {
  node({.name = "n1", .allocatable = R"({"cpu":"2","memory":"1Gi","pods":"10"})"});
  node({.name = "n2"});
  pod({.name = "friend",
       .labels = R"({"app":"db"})",
       .requests = R"({"cpu":"8"})",
       .spec = R"("priority":10,"preemptionPolicy":"Never")",
       .status = R"("nominatedNodeName":"n1")"});
  loop.run_for(seconds(1));
  pod({.name = "web", .spec = R"("priority":10,"affinity":{"podAffinity":{
       "requiredDuringSchedulingIgnoredDuringExecution":[{"topologyKey":"kubernetes.io/hostname",
       "labelSelector":{"matchLabels":{"app":"db"}}}]}})"});
  pod({.name = "peer", .requests = R"({"cpu":"1"})", .spec = R"("priority":10)"});
  pod({.name = "chief",
       .requests = R"({"cpu":"1"})",
       .spec = R"("priority":11,"nodeSelector":{"kubernetes.io/hostname":"n1"})"});
  loop.run_for(seconds(1));
  EXPECT_EQ(placed("web"), "");
  EXPECT_EQ(
      condition("web").substr(0, 87),
      "False Unschedulable: 0/2 nodes are available: 2 node(s) didn't match pod affinity rules");
  EXPECT_EQ(placed("peer"), "n2");
  EXPECT_EQ(placed("chief"), "n1");
}

TEST_F(SchedulerTest, OfEqualVictimsTheOneThatWasStartedLastGoes) {
  node({.name = "n1", .allocatable = R"({"cpu":"2","memory":"1Gi","pods":"10"})"});
  pod({.name = "first", .requests = R"({"cpu":"1"})"});
  pod({.name = "second", .requests = R"({"cpu":"1"})"});
  loop.run_for(seconds(1));
  for (const char* name : {"first", "second"}) {
    Draft draft(*api.get(pods(), "default", name));
    bool early = std::string_view(name) == "second";
    core_v1::PodEdit(draft).edit_status().set_start_time(early ? 1'000'000 : 2'000'000);
    api.put(pods(), draft.freeze());
  }
  loop.run_for(seconds(1));
  pod({.name = "high", .requests = R"({"cpu":"1"})", .spec = R"("priority":10)"});
  loop.run_for(seconds(2));
  auto goes = [&](const char* name) {
    return client::metadata(*api.get(pods(), "default", name)).has_deletion_timestamp();
  };
  EXPECT_TRUE(goes("first"));
  EXPECT_FALSE(goes("second"));
}

TEST_F(SchedulerTest, ANominatedPodThatOthersBindElsewhereGivesItsRoomBack) {
  const char* one = R"({"cpu":"1","memory":"1Gi","pods":"10"})";
  node({.name = "n1", .allocatable = one});
  node({.name = "n2", .allocatable = one, .spec = R"("unschedulable":true)"});
  pod({.name = "low", .requests = R"({"cpu":"1"})"});
  loop.run_for(seconds(1));
  pod({.name = "high", .requests = R"({"cpu":"1"})", .spec = R"("priority":10)"});
  loop.run_for(seconds(5));
  pod({.name = "next", .requests = R"({"cpu":"1"})"});
  loop.run_for(seconds(30));
  api.set_watch_lag(seconds(1));  // the victim goes before the news of the binding
  api.finish_deleted_pods();
  Draft draft(*api.get(pods(), "default", "high"));
  core_v1::PodEdit(draft).edit_spec().set_node_name("n2");
  api.put(pods(), draft.freeze());
  loop.run_for(seconds(30));
  EXPECT_EQ(placed("next"), "n1");
}

TEST_F(SchedulerTest, SlowEvictionsAreNotRepeatedElsewhere) {
  api.set_delay(seconds(2));
  for (int i = 0; i < 4; ++i) {
    node({.name = "n" + std::to_string(i),
          .allocatable = R"({"cpu":"1","memory":"1Gi","pods":"10"})"});
  }
  loop.run_for(seconds(10));
  for (int i = 0; i < 4; ++i) {
    pod({.name = "low" + std::to_string(i),
         .requests = R"({"cpu":"1"})",
         .spec = R"("nodeName":"n)" + std::to_string(i) + "\""});
  }
  loop.run_for(seconds(10));
  pod({.name = "high", .requests = R"({"cpu":"1"})", .spec = R"("priority":10)"});
  for (int i = 0; i < 20; ++i) {  // it is tried again and again meanwhile
    loop.run_for(milliseconds(700));
    node({.name = "n9", .allocatable = R"({"cpu":"1m","pods":")" + std::to_string(i) + "\"}"});
  }
  EXPECT_EQ(scheduler.counters().preemptions, 1);
  api.finish_deleted_pods();
  loop.run_for(seconds(30));
  EXPECT_NE(placed("high"), "");
  EXPECT_EQ(api.list(pods()).size(), 4u);
}

TEST_F(SchedulerTest, ALostBindingAnswerKeepsItsRoom) {
  api.set_watch_lag(seconds(20));
  int lost = 1;
  api.after = [&](const client::Request& request) -> std::optional<ApiStatus> {
    if (request.path.find("/binding") == std::string::npos || lost-- <= 0) return std::nullopt;
    return ApiStatus::timeout("lost");
  };
  node({.name = "n1", .allocatable = R"({"cpu":"1","memory":"1Gi","pods":"10"})"});
  for (const char* name : {"a", "b"}) pod({.name = name, .requests = R"({"cpu":"1"})"});
  loop.run_for(minutes(2));
  EXPECT_EQ(placed("a") + placed("b"), "n1");
}

TEST_F(SchedulerTest, WhyExplainsPlacedAndWaitingPods) {
  node({.name = "n1"});
  pod({.name = "web", .requests = R"({"cpu":"1"})"});
  loop.run_for(seconds(1));
  Result<std::vector<NodeExplanation>> why = scheduler.why("default", "web");
  ASSERT_TRUE(why);
  ASSERT_EQ(why->size(), 1u);
  EXPECT_TRUE((*why)[0].feasible);
  EXPECT_FALSE(scheduler.why("default", "nobody"));
}

}  // namespace
}  // namespace tiphys::scheduler
