#include "kubelet/pods/status.h"

#include <gtest/gtest.h>

#include "kubelet/pods/test_objects.h"

namespace tiphys::kubelet {
namespace {

constexpr MicroTime kNow = 1'000'000 * kMicrosPerSecond;

struct World {
  ObjectPtr pod;
  PodRuntime runtime;
  std::map<std::string, ProbeState> probes;
  std::map<std::string, Why> waiting;
  bool killed = false;
  std::optional<Why> failed;

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
  core_v1::PodStatus status() {
    StatusInput input{core_v1::Pod(*pod), &runtime, &probes, &waiting,
                      {"192.0.2.2"},      kNow,     killed,  failed ? &*failed : nullptr};
    pod = make_status(input, *pod);
    return core_v1::Pod(*pod).status();
  }
  std::string condition(std::string_view type) {
    for (core_v1::PodCondition c : core_v1::Pod(*pod).status().conditions()) {
      if (c.type() == type) return std::string(c.status()) + " " + std::string(c.reason());
    }
    return "";
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
  w.failed = Why{"OutOfcpu", "Pod was rejected: Node didn't have enough resource: cpu"};
  core_v1::PodStatus s = w.status();
  EXPECT_EQ(s.phase(), "Failed");
  EXPECT_EQ(s.reason(), "OutOfcpu");
  w.failed.reset();
  EXPECT_EQ(w.status().phase(), "Failed");
}

TEST(Status, AProbeHoldsReadinessBack) {
  World w(kOne);
  w.container("a", ContainerState::kRunning);
  w.probes["a0"] = {true, false, true, ""};
  EXPECT_FALSE(w.status().container_statuses()[0].ready());
  EXPECT_EQ(w.condition("ContainersReady"), "False ContainersNotReady");
}

}  // namespace
}  // namespace tiphys::kubelet
