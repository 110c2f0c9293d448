// How the scheduler binds volumes, on virtual time against a model API server and, where a test
// wants one, a model PV controller.
#include "scheduler/scheduler_world_test.h"
#include "scheduler/volume_objects_test.h"

namespace tiphys::scheduler {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const schema::Resource& claims() {
  return *schema::find_resource("", "v1", "persistentvolumeclaims");
}
const schema::Resource& volumes() { return *schema::find_resource("", "v1", "persistentvolumes"); }
const schema::Resource& classes() {
  return *schema::find_resource("storage.k8s.io", "v1", "storageclasses");
}

class SchedulerVolumesTest : public SchedulerTest {
 protected:
  SchedulerVolumesTest() {
    node({.name = "n1"});
    api.put(classes(), class_object("wait", "kubernetes.io/no-provisioner"));
    api.put(classes(), class_object("fast", "csi.example.com"));
  }
  void claim(const ClaimShape& shape) {
    Draft draft(*claim_object(shape));
    edit_metadata(draft).clear_uid();
    api.put(claims(), draft.freeze());
  }
  void volume(const VolumeShape& shape) { api.put(volumes(), volume_object(shape)); }
  void user(const std::string& name, const std::string& claim, const std::string& cpu = "1") {
    pod({.name = name, .requests = R"({"cpu":")" + cpu + "\"}", .spec = claim_volumes({claim})});
  }

  // What the PV controller and a provisioner do, once.
  void play_controller() {
    for (const ObjectPtr& object : api.list(volumes())) {
      core_v1::PersistentVolume view(*object);
      std::string_view claim = view.spec().claim_ref().name();
      if (!claim.empty() && view.status().phase() != "Bound") finish(claim, view.metadata().name());
    }
    for (const ObjectPtr& object : api.list(claims())) {
      core_v1::PersistentVolumeClaim view(*object);
      Labels annotations = view.metadata().annotations();
      std::string at(annotations.find("volume.kubernetes.io/selected-node"));
      if (at.empty() || !view.spec().volume_name().empty()) continue;
      std::string name = "made-" + std::string(view.metadata().name());
      volume({.name = name, .storage_class = "fast", .node = at});
      finish(view.metadata().name(), name);
    }
  }
  void finish(std::string_view claim, std::string_view volume) {
    ObjectPtr object = api.get(claims(), "default", claim);
    Draft bound(*object);
    core_v1::PersistentVolumeClaimEdit(bound).edit_spec().set_volume_name(volume);
    edit_metadata(bound).edit_annotations().set("pv.kubernetes.io/bind-completed", "yes");
    api.put(claims(), bound.freeze());
    Draft taken(*api.get(volumes(), "", volume));
    core_v1::PersistentVolumeEdit edit(taken);
    edit.edit_spec().edit_claim_ref().set_namespace("default");
    edit.edit_spec().edit_claim_ref().set_name(claim);
    edit.edit_spec().edit_claim_ref().set_uid(uid_of(*object));
    edit.edit_status().set_phase("Bound");
    api.put(volumes(), taken.freeze());
  }
  std::string claim_of(const char* volume) {
    core_v1::PersistentVolume view(*api.get(volumes(), "", volume));
    return std::string(view.spec().claim_ref().name());
  }
  std::string selected_node(const char* claim) {
    meta_v1::ObjectMeta meta = metadata(*api.get(claims(), "default", claim));
    return std::string(meta.annotations().find("volume.kubernetes.io/selected-node"));
  }
  bool told(const std::string& text) {
    std::vector<std::string> all = event_texts();
    return std::any_of(all.begin(), all.end(), [&](const std::string& event) {
      return event.find(text) != std::string::npos;
    });
  }
};

TEST_F(SchedulerVolumesTest, AFreeVolumeIsNamedFirstAndThePodBoundWhenTheClaimIs) {
  volume({.name = "pv"});
  claim({});
  user("web", "data");
  loop.run_for(seconds(5));
  EXPECT_EQ(claim_of("pv"), "data");
  EXPECT_EQ(placed("web"), "") << "its claim isn't bound";
  size_t writes = api.write_count();
  loop.run_for(minutes(1));
  EXPECT_EQ(api.write_count(), writes);
  play_controller();
  loop.run_for(seconds(1));
  EXPECT_EQ(placed("web"), "n1");
  EXPECT_EQ(scheduler.counters().errors, 0);
}

TEST_F(SchedulerVolumesTest, AVolumeIsMadeOnTheNodeOfThePod) {
  claim({.storage_class = "fast"});
  user("web", "data");
  loop.run_for(seconds(1));
  EXPECT_EQ(selected_node("data"), "n1");
  EXPECT_EQ(placed("web"), "");
  play_controller();
  loop.run_for(seconds(1));
  EXPECT_EQ(placed("web"), "n1");
}

TEST_F(SchedulerVolumesTest, NoVolumeForTwoClaims) {
  api.set_delay(milliseconds(200));
  api.set_watch_lag(seconds(2));
  volume({.name = "pv"});
  claim({.name = "one"});
  claim({.name = "two"});
  loop.run_for(seconds(3));
  user("first", "one");
  user("second", "two");
  loop.run_for(seconds(10));
  std::string winner = claim_of("pv");
  ASSERT_FALSE(winner.empty());
  const char* waits = winner == "one" ? "second" : "first";
  EXPECT_NE(condition(waits).find("node(s) didn't find available persistent volumes to bind"),
            std::string::npos);
  play_controller();
  loop.run_for(seconds(10));
  EXPECT_EQ(placed(winner == "one" ? "first" : "second"), "n1");
  EXPECT_EQ(scheduler.counters().errors, 0) << "the second knew that it was taken";
  volume({.name = "another"});
  loop.run_for(seconds(15));
  play_controller();
  loop.run_for(seconds(10));
  EXPECT_EQ(placed(waits), "n1");
}

TEST_F(SchedulerVolumesTest, AVolumeTakenBetweenDecisionAndWriteIsAConflict) {
  volume({.name = "pv"});
  claim({});
  bool steal = true;
  api.before = [&](const client::Request& request) -> std::optional<ApiStatus> {
    if (request.method != "PUT" || request.path.find("/persistentvolumes/") == std::string::npos) {
      return std::nullopt;
    }
    if (std::exchange(steal, false)) volume({.name = "pv", .claim = "somebody"});
    return std::nullopt;
  };
  user("web", "data");
  loop.run_for(seconds(1));
  EXPECT_EQ(placed("web"), "");
  EXPECT_EQ(claim_of("pv"), "somebody");
  EXPECT_EQ(scheduler.counters().errors, 1);
  EXPECT_TRUE(
      told("FailedScheduling: running PreBind plugin \"VolumeBinding\": Operation cannot "
           "be fulfilled on persistentvolumes \"pv\""));
  loop.run_for(seconds(5));
  EXPECT_NE(condition("web").find("node(s) didn't find available persistent volumes to bind"),
            std::string::npos);
  volume({.name = "pv2"});
  loop.run_for(seconds(15));
  EXPECT_EQ(claim_of("pv2"), "data");
}

TEST_F(SchedulerVolumesTest, AControllerThatNeverAnswersCostsTheTimeoutAndNobodyElse) {
  node({.name = "n1", .allocatable = R"({"cpu":"2","memory":"8Gi","pods":"110"})"});
  claim({.storage_class = "fast"});
  user("web", "data", "2");
  loop.run_for(seconds(5));
  pod({.name = "other", .requests = R"({"cpu":"1"})"});
  loop.run_for(minutes(9));
  EXPECT_EQ(placed("other"), "") << "the room is kept meanwhile";
  EXPECT_EQ(scheduler.counters().errors, 0);
  loop.run_for(seconds(55) + milliseconds(500));
  EXPECT_EQ(scheduler.counters().errors, 1);
  EXPECT_TRUE(
      told("FailedScheduling: running PreBind plugin \"VolumeBinding\": binding volumes: "
           "context deadline exceeded"));
  EXPECT_EQ(condition("web"),
            "False SchedulerError: running PreBind plugin \"VolumeBinding\": binding volumes: "
            "context deadline exceeded");
  loop.run_for(seconds(15));
  EXPECT_EQ(placed("other"), "n1") << "it gave its room back";
  loop.run_for(minutes(11));
  play_controller();
  api.remove(pods(), "default", "other");
  api.finish_deleted_pods();
  loop.run_for(seconds(30));
  EXPECT_EQ(placed("web"), "n1") << "it came again";
}

TEST_F(SchedulerVolumesTest, ManyPodsWhoseVolumesNeverBindHoldNobodyUp) {
  node({.name = "n1", .allocatable = R"({"cpu":"100","memory":"80Gi","pods":"1000"})"});
  const int count = Scheduler::kMaxBindings + 50;
  for (int i = 0; i < count; ++i) {
    std::string name = "c" + std::to_string(i);
    claim({.name = name, .storage_class = "fast"});
    user("p-" + name, name, "1m");
  }
  loop.run_for(seconds(10));
  for (int i = 0; i < count; ++i) {
    ASSERT_EQ(selected_node(("c" + std::to_string(i)).c_str()), "n1");
  }
  pod({.name = "plain", .requests = R"({"cpu":"1"})"});
  loop.run_for(seconds(1));
  EXPECT_EQ(placed("plain"), "n1");
}

TEST_F(SchedulerVolumesTest, ProvisioningThatFailsBringsAnotherDecision) {
  node({.name = "n2"});
  claim({.storage_class = "fast"});
  user("web", "data");
  loop.run_for(seconds(1));
  std::string first = selected_node("data");
  ASSERT_FALSE(first.empty());
  node({.name = first, .spec = R"("unschedulable":true)"});
  Draft reset(*api.get(claims(), "default", "data"));
  edit_metadata(reset).clear_annotations();
  api.put(claims(), reset.freeze());
  loop.run_for(seconds(5));
  EXPECT_TRUE(told("binding volumes: selectedNode annotation reset for PVC \"data\""));
  EXPECT_EQ(selected_node("data"), first == "n1" ? "n2" : "n1");
  play_controller();
  loop.run_for(seconds(5));
  EXPECT_EQ(placed("web"), first == "n1" ? "n2" : "n1");
}

TEST_F(SchedulerVolumesTest, AClaimDeletedWhileThePodWaits) {
  claim({.storage_class = "fast"});
  user("web", "data");
  loop.run_for(seconds(5));
  api.remove(claims(), "default", "data");
  loop.run_for(seconds(5));
  EXPECT_TRUE(
      told("binding volumes: failed to check provisioning pvc: could not find "
           "v1.PersistentVolumeClaim \"default/data\""));
  EXPECT_EQ(condition("web"),
            "False Unschedulable: 0/1 nodes are available: persistentvolumeclaim \"data\" not "
            "found. preemption: 0/1 nodes are available: 1 Preemption is not helpful for "
            "scheduling.");
  claim({.storage_class = "fast"});
  loop.run_for(seconds(15));
  play_controller();
  loop.run_for(seconds(5));
  EXPECT_EQ(placed("web"), "n1");
}

TEST_F(SchedulerVolumesTest, APodDeletedWhileItWaitsLeavesNothing) {
  node({.name = "n1", .allocatable = R"({"cpu":"1","memory":"8Gi","pods":"110"})"});
  volume({.name = "pv"});
  claim({});
  user("web", "data");
  loop.run_for(seconds(5));
  EXPECT_EQ(claim_of("pv"), "data");
  api.remove(pods(), "default", "web");
  api.finish_deleted_pods();
  loop.run_for(seconds(1));
  EXPECT_EQ(scheduler.pending(), 0u);
  EXPECT_EQ(scheduler.counters().errors, 0);
  user("next", "data");
  loop.run_for(seconds(5));
  play_controller();
  loop.run_for(seconds(1));
  EXPECT_EQ(placed("next"), "n1");
}

TEST_F(SchedulerVolumesTest, TheNodeGoesWhileThePodWaits) {
  node({.name = "n2"});
  claim({.storage_class = "fast"});
  user("web", "data");
  loop.run_for(seconds(5));
  std::string first = selected_node("data");
  api.remove(nodes(), "", first);
  loop.run_for(seconds(1));
  EXPECT_TRUE(told("binding volumes: failed to get node \"" + first + "\": node \"" + first +
                   "\" not found"));
  loop.run_for(minutes(1));
  EXPECT_NE(condition("web").find("node(s) didn't find available persistent volumes to bind"),
            std::string::npos)
      << "until the provisioner gives up, the claim belongs to the node";
}

TEST_F(SchedulerVolumesTest, ASecondPodWaitsForAReadWriteOncePodClaim) {
  volume({.name = "pv"});
  claim({.modes = R"("ReadWriteOncePod")"});
  finish("data", "pv");
  user("first", "data");
  loop.run_for(seconds(1));
  user("second", "data");
  loop.run_for(minutes(1));
  EXPECT_EQ(placed("first"), "n1");
  EXPECT_NE(condition("second").find("1 node has pod using PersistentVolumeClaim with the same "
                                     "name and ReadWriteOncePod access mode"),
            std::string::npos);
  api.remove(pods(), "default", "first");
  api.finish_deleted_pods();
  loop.run_for(seconds(15));
  EXPECT_EQ(placed("second"), "n1");
}

TEST_F(SchedulerVolumesTest, TwoPodsMayWaitForOneClaim) {
  claim({.storage_class = "fast"});
  user("one", "data");
  user("two", "data");
  loop.run_for(seconds(15));
  play_controller();
  loop.run_for(seconds(15));
  EXPECT_EQ(placed("one") + placed("two"), "n1n1");
}

TEST_F(SchedulerVolumesTest, ImmediateClaimsWakeTheirPodWhenTheyAreBound) {
  api.put(classes(), class_object("now", "csi.example.com", "Immediate"));
  claim({.storage_class = "now"});
  user("web", "data");
  loop.run_for(seconds(20));
  EXPECT_NE(condition("web").find("pod has unbound immediate PersistentVolumeClaims"),
            std::string::npos);
  int64_t attempts = scheduler.counters().unschedulable;
  claim({.name = "unrelated", .storage_class = "now"});
  loop.run_for(minutes(1));
  EXPECT_EQ(scheduler.counters().unschedulable, attempts);
  volume({.name = "pv", .storage_class = "now"});
  finish("data", "pv");
  loop.run_for(seconds(11));
  EXPECT_EQ(placed("web"), "n1");
}

TEST_F(SchedulerVolumesTest, StopsWhilePodsWait) {
  claim({.storage_class = "fast"});
  user("web", "data");
  loop.run_for(seconds(5));
  EXPECT_EQ(selected_node("data"), "n1");
  size_t writes = api.write_count();
  loop.run(scheduler.stop());
  EXPECT_EQ(api.write_count(), writes);
  EXPECT_EQ(scheduler.counters().errors, 0);
}

// ---- resizes in place ----

TEST_F(SchedulerVolumesTest, AResizedPodCountsWithTheMostOfWhatItAsksAndHas) {
  node({.name = "n1", .allocatable = R"({"cpu":"4","memory":"8Gi","pods":"110"})"});
  pod({.name = "web", .requests = R"({"cpu":"2"})"});
  loop.run_for(seconds(1));
  ASSERT_EQ(placed("web"), "n1");
  auto has = [&](const char* spec_cpu, const char* actual, const char* allocated) {
    Draft draft(*api.get(pods(), "default", "web"));
    core_v1::PodEdit edit(draft);
    edit.edit_spec().edit_containers()[0].edit_resources().edit_requests().set("cpu", spec_cpu);
    edit.edit_status().clear_container_statuses();
    core_v1::ContainerStatusEdit status = edit.edit_status().edit_container_statuses().append();
    status.set_name("c");
    status.edit_resources().edit_requests().set("cpu", actual);
    status.edit_allocated_resources().set("cpu", allocated);
    api.put(pods(), draft.freeze());
    loop.run_for(seconds(20));
  };
  has("3", "2", "2");
  pod({.name = "next", .requests = R"({"cpu":"2"})"});
  loop.run_for(seconds(20));
  EXPECT_EQ(placed("next"), "") << "what is asked for counts";
  has("1", "3", "1");
  EXPECT_EQ(placed("next"), "") << "what it still has counts";
  has("1", "2", "1");
  EXPECT_EQ(placed("next"), "n1") << "a status alone gave the room";
}

}  // namespace
}  // namespace tiphys::scheduler
