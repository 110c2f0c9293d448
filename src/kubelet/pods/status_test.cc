#include "kubelet/pods/status.h"

#include <gtest/gtest.h>

#include "kinds/pods.h"
#include "kubelet/pods/container_status.h"
#include "kubelet/pods/test_objects.h"

namespace tiphys::kubelet {
namespace {

constexpr MicroTime kNow = 1'000'000 * kMicrosPerSecond;

struct World {
  ObjectPtr pod;
  PodRuntime runtime;
  std::map<std::string, ProbeState> probes;
  std::map<std::string, Why> waiting;
  std::set<std::string> starting;
  bool killed = false;
  bool refused = false;
  std::optional<Why> failed;
  ResizeReport resize;
  MicroTime now = kNow;

  explicit World(const std::string& spec) : pod(pod_of(spec)) {
    SandboxRecord s;
    s.id = "s";
    s.ready = true;
    s.ips = {"10.1.0.5"};
    runtime.sandboxes.push_back(s);
  }
  void container(const std::string& name, ContainerState state, int32_t code = 0,
                 uint32_t attempt = 0) {
    ContainerRecord c;
    c.id = name + std::to_string(attempt);
    c.name = name;
    c.sandbox_id = "s";
    c.state = state;
    c.exit_code = code;
    c.attempt = attempt;
    c.started = kNow;
    runtime.containers.push_back(c);
    sort_newest_first(runtime);
  }
  void end(std::string_view name, int32_t code) {
    for (ContainerRecord& c : runtime.containers) {
      if (c.name != name) continue;
      c.state = ContainerState::kExited;
      c.exit_code = code;
    }
  }
  core_v1::PodStatus status() {
    StatusInput input{.pod = core_v1::Pod(*pod),
                      .runtime = &runtime,
                      .probes = &probes,
                      .waiting = &waiting,
                      .starting = &starting,
                      .host_ips = {"192.0.2.2"},
                      .now = now,
                      .killed = killed,
                      .failed = failed ? &*failed : nullptr,
                      .refused = refused,
                      .resize = resize};
    pod = make_status(input, *pod);
    return core_v1::Pod(*pod).status();
  }
  std::string condition(std::string_view type) {
    core_v1::PodCondition c = kinds::find_condition(core_v1::Pod(*pod).status(), type);
    return std::string(c.status()) + " " + std::string(c.reason());
  }
  std::string condition_message(std::string_view type) {
    return std::string(kinds::find_condition(core_v1::Pod(*pod).status(), type).message());
  }
};

constexpr const char* kOne =
    R"({"restartPolicy":"Always","containers":[{"name":"a","image":"x"}]})";

TEST(Status, FromPendingToReady) {
  World w(kOne);
  core_v1::PodStatus s = w.status();
  EXPECT_EQ(s.phase(), "Pending");
  EXPECT_EQ(s.container_statuses()[0].state().waiting().reason(), "ContainerCreating");
  EXPECT_EQ(w.condition("Ready"), "False ContainersNotReady");
  EXPECT_EQ(w.condition("Initialized"), "True ");
  w.container("a", ContainerState::kRunning);
  s = w.status();
  EXPECT_EQ(s.phase(), "Running");
  EXPECT_TRUE(s.container_statuses()[0].ready());
  EXPECT_EQ(s.container_statuses()[0].container_id(), "containerd://a0");
  EXPECT_EQ(s.pod_ip(), "10.1.0.5");
  EXPECT_EQ(s.host_ip(), "192.0.2.2");
  EXPECT_EQ(s.qos_class(), "BestEffort");
  EXPECT_EQ(w.condition("Ready"), "True ");
  EXPECT_EQ(w.condition("PodReadyToStartContainers"), "True ");
}

TEST(Status, NothingChangesWhenNothingChanged) {
  World w(kOne);
  w.container("a", ContainerState::kRunning);
  (void)w.status();
  ObjectPtr before = w.pod;
  (void)w.status();
  EXPECT_TRUE(equal(core_v1::Pod(*before).status(), core_v1::Pod(*w.pod).status()));
}

TEST(Status, PodScheduledComesLastAndKeepsItsTime) {
  World w(kOne);
  w.pod = pod_of(R"({"restartPolicy":"Always","containers":[{"name":"a","image":"x"}]})",
                 R"({"conditions":[{"type":"PodScheduled","status":"True",
                     "lastTransitionTime":"2026-01-01T00:00:00Z"},
                    {"type":"example.com/gate","status":"True"}]})");
  Draft draft(*w.pod);
  core_v1::PodEdit(draft).edit_metadata().set_generation(3);
  w.pod = draft.freeze();
  MicroTime since = core_v1::Pod(*w.pod).status().conditions()[0].last_transition_time();
  std::string order;
  for (core_v1::PodCondition c : w.status().conditions()) order += std::string(c.type()) + " ";
  EXPECT_EQ(order,
            "example.com/gate PodReadyToStartContainers Initialized Ready ContainersReady "
            "PodScheduled ");
  core_v1::PodCondition scheduled =
      kinds::find_condition(core_v1::Pod(*w.pod).status(), "PodScheduled");
  EXPECT_EQ(scheduled.observed_generation(), 3);
  EXPECT_EQ(scheduled.last_transition_time(), since);
}

TEST(Status, ACrashLoopShowsTheLastEnd) {
  World w(kOne);
  w.container("a", ContainerState::kExited, 3, 2);
  w.waiting["a"] = {"CrashLoopBackOff", "back-off"};
  core_v1::ContainerStatus a = w.status().container_statuses()[0];
  EXPECT_EQ(a.state().waiting().reason(), "CrashLoopBackOff");
  EXPECT_EQ(a.last_state().terminated().exit_code(), 3);
  EXPECT_EQ(a.last_state().terminated().reason(), "Error");
  EXPECT_EQ(a.restart_count(), 2);
  EXPECT_EQ(core_v1::Pod(*w.pod).status().phase(), "Running");
}

TEST(Status, PhasesOfPodsThatEnd) {
  World w(R"({"restartPolicy":"Never","containers":[{"name":"a"},{"name":"b"}]})");
  w.container("a", ContainerState::kExited, 0);
  w.container("b", ContainerState::kRunning);
  EXPECT_EQ(w.status().phase(), "Running");
  w.runtime.containers[0].state = ContainerState::kExited;
  w.runtime.containers[1].state = ContainerState::kExited;
  EXPECT_EQ(w.status().phase(), "Succeeded");
  EXPECT_EQ(w.condition("Ready"), "False PodCompleted");
  EXPECT_EQ(w.condition("Initialized"), "True PodCompleted");
}

TEST(Status, AnUnfinishedInitContainerKeepsThePodPending) {
  World w(
      R"({"restartPolicy":"Always","initContainers":[{"name":"i"}],"containers":[{"name":"a"}]})");
  w.container("i", ContainerState::kRunning);
  core_v1::PodStatus s = w.status();
  EXPECT_EQ(s.phase(), "Pending");
  EXPECT_EQ(s.container_statuses()[0].state().waiting().reason(), "PodInitializing");
  EXPECT_EQ(w.condition("Initialized"), "False ContainersNotInitialized");
}

TEST(Status, ARefusedPodFailsForGood) {
  World w(kOne);
  w.runtime = {};
  w.refused = true;
  w.failed = Why{"OutOfcpu", "Pod was rejected: Node didn't have enough resource: cpu"};
  core_v1::PodStatus s = w.status();
  EXPECT_EQ(s.phase(), "Failed");
  EXPECT_EQ(s.reason(), "OutOfcpu");
  EXPECT_TRUE(s.container_statuses().empty()) << "kubectl shows the reason only without them";
  EXPECT_TRUE(s.conditions().empty());
  EXPECT_TRUE(s.has_start_time());
  w.failed.reset();
  w.refused = false;
  s = w.status();
  EXPECT_EQ(s.phase(), "Failed");
  EXPECT_EQ(s.reason(), "OutOfcpu");
  EXPECT_TRUE(s.container_statuses().empty());
}

TEST(Status, AProbeHoldsReadinessBack) {
  World w(kOne);
  w.container("a", ContainerState::kRunning);
  w.probes["a0"] = {true, false, true, ""};
  EXPECT_FALSE(w.status().container_statuses()[0].ready());
  EXPECT_EQ(w.condition("ContainersReady"), "False ContainersNotReady");
}

constexpr const char* kSidecar =
    R"({"restartPolicy":"Never","initContainers":[{"name":"s","restartPolicy":"Always"}],
        "containers":[{"name":"a"}]})";

TEST(Status, ASidecarIsPartOfThePod) {
  World w(kSidecar);
  w.container("s", ContainerState::kRunning);
  w.probes["s0"] = {false, false, true, ""};
  core_v1::PodStatus s = w.status();
  EXPECT_EQ(s.phase(), "Pending");
  EXPECT_EQ(w.condition("Initialized"), "False ContainersNotInitialized");
  EXPECT_EQ(s.container_statuses()[0].state().waiting().reason(), "PodInitializing");
  w.probes["s0"] = {true, false, true, ""};
  w.container("a", ContainerState::kRunning);
  EXPECT_EQ(w.status().phase(), "Running");
  EXPECT_EQ(w.condition("Initialized"), "True ");
  EXPECT_EQ(w.condition_message("Ready"), "containers with unready status: [s]");
  w.probes.clear();
  EXPECT_TRUE(w.status().init_container_statuses()[0].ready());
  EXPECT_EQ(w.condition("Ready"), "True ");
}

TEST(Status, APodEndsWithItsLastSidecar) {
  World w(kSidecar);
  w.container("s", ContainerState::kRunning);
  w.container("a", ContainerState::kExited, 0);
  EXPECT_EQ(w.status().phase(), "Running");
  w.end("s", 137);
  EXPECT_EQ(w.status().phase(), "Succeeded");
}

TEST(Status, ATerminalPhaseWaitsUntilNothingRuns) {
  World w(R"({"restartPolicy":"Never","containers":[{"name":"a"}],
             "ephemeralContainers":[{"name":"debug"}]})");
  w.container("debug", ContainerState::kRunning);
  w.container("a", ContainerState::kRunning);
  EXPECT_EQ(w.status().phase(), "Running");
  w.end("a", 2);
  EXPECT_EQ(w.status().phase(), "Running");
  EXPECT_EQ(w.condition("Ready"), "False PodFailed");
  w.end("debug", 0);
  EXPECT_EQ(w.status().phase(), "Failed");
}

TEST(Status, EphemeralContainersCountForNothing) {
  World w(R"({"restartPolicy":"Always","containers":[{"name":"a"}],
             "ephemeralContainers":[{"name":"debug","image":"x"}]})");
  w.container("a", ContainerState::kRunning);
  core_v1::PodStatus s = w.status();
  EXPECT_EQ(s.ephemeral_container_statuses()[0].state().waiting().reason(), "ContainerCreating");
  EXPECT_EQ(w.condition("Ready"), "True ");
  w.container("debug", ContainerState::kExited, 1);
  w.waiting["debug"] = {"CrashLoopBackOff", "never"};
  s = w.status();
  EXPECT_EQ(s.ephemeral_container_statuses()[0].state().terminated().exit_code(), 1);
  EXPECT_FALSE(s.ephemeral_container_statuses()[0].has_started());
  EXPECT_EQ(s.phase(), "Running");
  EXPECT_EQ(w.condition("Ready"), "True ");
}

TEST(Status, APostStartHookHoldsRunningBack) {
  World w(kOne);
  w.container("a", ContainerState::kRunning);
  w.starting = {"a0"};
  core_v1::PodStatus s = w.status();
  EXPECT_EQ(s.phase(), "Pending");
  EXPECT_EQ(s.container_statuses()[0].state().waiting().reason(), "ContainerCreating");
  w.starting.clear();
  EXPECT_EQ(w.status().phase(), "Running");
}

TEST(Status, ReadinessGatesAreSaidOneByOne) {
  World w(R"({"restartPolicy":"Always","containers":[{"name":"a"}],
             "readinessGates":[{"conditionType":"x/one"},{"conditionType":"x/two"}]})");
  w.pod = pod_of(R"({"restartPolicy":"Always","containers":[{"name":"a"}],
      "readinessGates":[{"conditionType":"x/one"},{"conditionType":"x/two"}]})",
                 R"({"conditions":[{"type":"x/two","status":"False"}]})");
  w.container("a", ContainerState::kRunning);
  (void)w.status();
  EXPECT_EQ(w.condition("Ready"), "False ReadinessGatesNotReady");
  EXPECT_EQ(w.condition("ContainersReady"), "True ");
  EXPECT_EQ(
      w.condition_message("Ready"),
      "corresponding condition of pod readiness gate \"x/one\" does not exist., the status of "
      "pod readiness gate \"x/two\" is not \"True\", but False");
}

TEST(Status, RestartRulesDecideThePhase) {
  World w(R"({"restartPolicy":"Never","containers":[{"name":"a","restartPolicy":"Never",
      "restartPolicyRules":[{"action":"Restart",
                             "exitCodes":{"operator":"In","values":[42]}}]}]})");
  w.container("a", ContainerState::kExited, 42);
  EXPECT_EQ(w.status().phase(), "Running");
  w.runtime.containers[0].exit_code = 1;
  EXPECT_EQ(w.status().phase(), "Failed");
  World init(R"({"restartPolicy":"Always","initContainers":[{"name":"i","restartPolicy":"Never"}],
                "containers":[{"name":"a"}]})");
  init.container("i", ContainerState::kExited, 1);
  EXPECT_EQ(init.status().phase(), "Failed");
}

TEST(Status, AStartErrorOfAContainerThatStaysEndedIsItsEnd) {
  World w(R"({"restartPolicy":"Never","containers":[{"name":"a"}]})");
  w.container("a", ContainerState::kExited, 128);
  w.runtime.containers[0].reason = "StartError";
  w.waiting["a"] = {"RunContainerError", "no such program"};
  core_v1::PodStatus s = w.status();
  EXPECT_EQ(s.phase(), "Failed");
  EXPECT_EQ(s.container_statuses()[0].state().terminated().reason(), "StartError");
}

TEST(Status, MessagesOfAPodAreBoundedTogether) {
  World w(R"({"restartPolicy":"Never","containers":[{"name":"a"},{"name":"b"},{"name":"c"},
             {"name":"d"},{"name":"e"},{"name":"f"}]})");
  for (const char* name : {"a", "b", "c", "d", "e", "f"}) {
    w.container(name, ContainerState::kExited, 1);
  }
  for (ContainerRecord& c : w.runtime.containers) c.message = "x" + std::string(4095, 'y');
  w.runtime.containers[0].message = std::string(2047, 'x') + "\xc3\xa4";
  size_t all = 0;
  for (core_v1::ContainerStatus s : w.status().container_statuses()) {
    size_t size = s.state().terminated().message().size();
    EXPECT_LE(size, kMaxPodMessageBytes / 6);
    all += size;
  }
  EXPECT_EQ(all, kMaxPodMessageBytes - 1) << "a character is never cut in two";
}

TEST(Status, AContainerThatVanishedIsSaidToBeUnknown) {
  World w(kOne);
  w.container("a", ContainerState::kRunning);
  (void)w.status();
  w.runtime.containers.clear();
  core_v1::ContainerStatus a = w.status().container_statuses()[0];
  EXPECT_EQ(a.state().waiting().reason(), "ContainerCreating");
  EXPECT_EQ(a.last_state().terminated().reason(), "ContainerStatusUnknown");
  EXPECT_EQ(a.restart_count(), 1);
  EXPECT_EQ(core_v1::Pod(*w.pod).status().phase(), "Running");
  World over(kOne);
  over.container("a", ContainerState::kRunning);
  (void)over.status();
  over.runtime.containers.clear();
  over.killed = true;
  a = over.status().container_statuses()[0];
  EXPECT_EQ(a.state().terminated().reason(), "ContainerStatusUnknown");
  EXPECT_EQ(a.state().terminated().exit_code(), 137);
  EXPECT_EQ(core_v1::Pod(*over.pod).status().phase(), "Failed");
}

TEST(Status, AResizeShowsWhatIsPromisedAndWhatIsThere) {
  World w(R"({"restartPolicy":"Always","containers":[{"name":"a","image":"x","resources":)"
          R"({"requests":{"cpu":"3"}}}]})");
  w.container("a", ContainerState::kRunning);
  core_v1::ContainerStatus a = w.status().container_statuses()[0];
  EXPECT_EQ(a.resources().requests().find("cpu"), "3");
  Allocation allocated;
  Allocation actuated;
  allocated["a"].requests["cpu"] = "2";
  actuated["a"].requests["cpu"] = "1";
  w.resize = {&allocated, &actuated, Why{"Deferred", "no room"}, 5, Why{"", ""}, 4};
  a = w.status().container_statuses()[0];
  EXPECT_EQ(a.allocated_resources().find("cpu"), "2");
  EXPECT_EQ(a.resources().requests().find("cpu"), "1");
  EXPECT_EQ(w.condition("PodResizePending"), "True Deferred");
  EXPECT_EQ(w.condition("PodResizeInProgress"), "True ");
  core_v1::PodCondition pending =
      kinds::find_condition(core_v1::Pod(*w.pod).status(), "PodResizePending");
  EXPECT_EQ(pending.observed_generation(), 5);
  EXPECT_EQ(pending.message(), "no room");
  w.end("a", 1);
  w.resize.pending.reset();
  w.resize.progress.reset();
  a = w.status().container_statuses()[0];
  EXPECT_EQ(a.resources().requests().find("cpu"), "2") << "nothing runs: what it will get";
  EXPECT_EQ(w.condition("PodResizePending"), " ");
  EXPECT_EQ(w.condition("PodResizeInProgress"), " ");
}

TEST(Status, APreemptedPodSaysSo) {
  World w(kOne);
  w.failed = Why{"Preempting", "Preempted in order to admit critical pod"};
  EXPECT_EQ(w.status().reason(), "Preempting");
  EXPECT_EQ(w.condition("DisruptionTarget"), "True TerminationByKubelet");
  EXPECT_EQ(w.condition_message("DisruptionTarget"),
            "Pod was preempted by Kubelet to accommodate a critical pod.");
}

TEST(Status, AResizesConditionsSayWhenTheyWereLookedAt) {
  World w(kOne);
  auto times = [&] {
    core_v1::PodStatus status = core_v1::Pod(*w.pod).status();
    core_v1::PodCondition c = kinds::find_condition(status, "PodResizePending");
    return std::pair(c.last_probe_time(), c.last_transition_time());
  };
  auto report = [&](const char* reason, const char* message) {
    w.resize.pending = Why{reason, message};
    w.now += 10 * kMicrosPerSecond;
    w.status();
    return times();
  };
  MicroTime start = w.now + 10 * kMicrosPerSecond;
  auto at = [&](int tens) { return start + tens * 10 * kMicrosPerSecond; };
  EXPECT_EQ(report("Deferred", "a"), std::pair(at(0), at(0)));
  EXPECT_EQ(report("Deferred", "a"), std::pair(at(0), at(0))) << "nothing to write";
  EXPECT_EQ(report("Deferred", "b"), std::pair(at(2), at(0)));
  EXPECT_EQ(report("Infeasible", "b"), std::pair(at(3), at(3)));
}

TEST(Status, AContainerEndedToBeResizedIsNoEndOfItsPod) {
  World w(R"({"restartPolicy":"OnFailure","containers":[{"name":"a","image":"x"}]})");
  w.container("a", ContainerState::kExited, 0);
  w.runtime.containers[0].restart_due = true;
  core_v1::PodStatus s = w.status();
  EXPECT_EQ(s.phase(), "Running");
  EXPECT_EQ(s.container_statuses()[0].state().waiting().reason(), "ContainerCreating");
  EXPECT_EQ(s.container_statuses()[0].last_state().terminated().reason(), "Completed");
  w.runtime.containers[0].restart_due = false;
  EXPECT_EQ(w.status().phase(), "Succeeded");
}

TEST(Status, WhoAContainerRunsAsIfTheRuntimeSaysSo) {
  World w(kOne);
  w.container("a", ContainerState::kRunning);
  EXPECT_FALSE(w.status().container_statuses()[0].has_user());
  w.runtime.containers[0].user = ContainerUser{1000, 1001, {1001, 3000}};
  core_v1::LinuxContainerUser user = w.status().container_statuses()[0].user().linux();
  EXPECT_EQ(user.uid(), 1000);
  EXPECT_EQ(user.gid(), 1001);
  EXPECT_EQ(user.supplemental_groups().size(), 2u);
  EXPECT_EQ(user.supplemental_groups()[1], 3000);
  w.runtime.containers[0].user = ContainerUser{};
  EXPECT_TRUE(w.status().container_statuses()[0].user().has_linux()) << "root is somebody";
}

TEST(ApiRetryPause, grows_to_ten_seconds) {
  std::vector<MicroTime> seconds;
  for (int failures : {1, 2, 3, 4, 5, 6, 1'000'000}) {
    seconds.push_back(api_retry_pause(failures) / kMicrosPerSecond);
  }
  EXPECT_EQ(seconds, (std::vector<MicroTime>{1, 2, 4, 8, 10, 10, 10}));
}

}  // namespace
}  // namespace tiphys::kubelet
