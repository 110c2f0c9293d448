#include "kubelet/pods/plan.h"

#include <gtest/gtest.h>

#include "kubelet/pods/test_objects.h"

namespace tiphys::kubelet {
namespace {

constexpr MicroTime kSecond = kMicrosPerSecond;
constexpr MicroTime kNow = 1'000'000 * kSecond;

// A pod and its runtime, with short words for what happens to it.
struct World {
  ObjectPtr pod;
  PodRuntime runtime;
  std::map<std::string, ProbeState> probes;
  BackOff back_off;
  MicroTime now = kNow;

  explicit World(const std::string& spec) : pod(pod_of(spec)) {}

  PodPlan plan() {
    sort_newest_first(runtime);
    return plan_pod({core_v1::Pod(*pod), &runtime, &probes, &back_off, now});
  }
  void sandbox(uint32_t attempt = 0, bool ready = true) {
    SandboxRecord s;
    s.id = "s" + std::to_string(attempt);
    s.attempt = attempt;
    s.ready = ready;
    runtime.sandboxes.push_back(s);
  }
  ContainerRecord& container(const std::string& name, ContainerState state, int32_t code = 0,
                             uint32_t attempt = 0) {
    ContainerRecord c;
    c.id = name + std::to_string(attempt);
    c.name = name;
    c.sandbox_id = runtime.sandboxes.back().id;
    c.state = state;
    c.exit_code = code;
    c.attempt = attempt;
    c.finished = now;
    runtime.containers.push_back(c);
    return runtime.containers.back();
  }
};

constexpr const char* kTwo =
    R"({"restartPolicy":"Always","containers":[{"name":"a"},{"name":"b"}]})";
constexpr const char* kInit =
    R"({"restartPolicy":"Always","initContainers":[{"name":"i"},{"name":"j"}],
                                  "containers":[{"name":"a"}]})";

TEST(Plan, ANewPodGetsASandboxFirst) {
  World w(kTwo);
  PodPlan plan = w.plan();
  EXPECT_TRUE(plan.create_sandbox);
  EXPECT_EQ(plan.sandbox_attempt, 0u);
  EXPECT_TRUE(plan.starts.empty());
}

TEST(Plan, ThenAllItsContainers) {
  World w(kTwo);
  w.sandbox();
  EXPECT_EQ(w.plan().starts, (std::vector<ContainerStart>{{false, 0, 0}, {false, 1, 0}}));
  w.container("a", ContainerState::kRunning);
  EXPECT_EQ(w.plan().starts, (std::vector<ContainerStart>{{false, 1, 0}}));
  w.container("b", ContainerState::kRunning);
  PodPlan plan = w.plan();
  EXPECT_TRUE(plan.starts.empty() && plan.kills.empty() && !plan.create_sandbox);
}

TEST(Plan, InitContainersRunInOrder) {
  World w(kInit);
  w.sandbox();
  EXPECT_EQ(w.plan().starts, (std::vector<ContainerStart>{{true, 0, 0}}));
  ContainerRecord& i = w.container("i", ContainerState::kRunning);
  EXPECT_TRUE(w.plan().starts.empty());
  i.state = ContainerState::kExited;
  EXPECT_EQ(w.plan().starts, (std::vector<ContainerStart>{{true, 1, 0}}));
  w.container("j", ContainerState::kExited);
  EXPECT_EQ(w.plan().starts, (std::vector<ContainerStart>{{false, 0, 0}}));
}

TEST(Plan, AFailedInitContainerIsTriedAgainUnlessNever) {
  World w(kInit);
  w.sandbox();
  w.container("i", ContainerState::kExited, 1);
  EXPECT_EQ(w.plan().starts, (std::vector<ContainerStart>{{true, 0, 1}}));
  World never(
      R"({"restartPolicy":"Never","initContainers":[{"name":"i"}],"containers":[{"name":"a"}]})");
  never.sandbox();
  never.container("i", ContainerState::kExited, 1);
  EXPECT_TRUE(never.plan().starts.empty());
  EXPECT_TRUE(is_finished(core_v1::Pod(*never.pod), never.runtime));
}

TEST(Plan, SidecarsStartBeforeAndRestartBesideTheOthers) {
  World w(R"({"restartPolicy":"Never","initContainers":[{"name":"s","restartPolicy":"Always"}],
             "containers":[{"name":"a"}]})");
  w.sandbox();
  EXPECT_EQ(w.plan().starts, (std::vector<ContainerStart>{{true, 0, 0}}));
  ContainerRecord& s = w.container("s", ContainerState::kRunning);
  EXPECT_EQ(w.plan().starts, (std::vector<ContainerStart>{{false, 0, 0}}));
  s.state = ContainerState::kExited;
  w.container("a", ContainerState::kRunning);
  EXPECT_EQ(w.plan().starts, (std::vector<ContainerStart>{{true, 0, 1}}));
}

TEST(Plan, ACrashLoopWaitsLongerEachTime) {
  World w(R"({"restartPolicy":"Always","containers":[{"name":"a"}]})");
  w.sandbox();
  std::string key = back_off_key(core_v1::Pod(*w.pod), "a");
  w.container("a", ContainerState::kExited, 1);
  EXPECT_EQ(w.plan().starts.size(), 1u) << "the first restart is at once";
  w.back_off.next(key, w.now);
  PodPlan plan = w.plan();
  EXPECT_TRUE(plan.starts.empty());
  EXPECT_EQ(plan.waiting["a"].reason, "CrashLoopBackOff");
  EXPECT_EQ(plan.waiting["a"].message,
            "back-off 10s restarting failed container=a pod=p_default(u)");
  EXPECT_EQ(plan.wake_at, w.now + 10 * kSecond);
  w.now += 10 * kSecond;
  EXPECT_EQ(w.plan().starts.size(), 1u);
  for (int i = 0; i < 10; ++i) w.back_off.next(key, w.now);
  EXPECT_EQ(w.back_off.delay(key), BackOff::kLast);
}

TEST(Plan, RestartPoliciesDecideWhoComesBack) {
  World w(R"({"restartPolicy":"OnFailure","containers":[{"name":"a"},{"name":"b"}]})");
  w.sandbox();
  w.container("a", ContainerState::kExited, 0);
  w.container("b", ContainerState::kExited, 3);
  EXPECT_EQ(w.plan().starts, (std::vector<ContainerStart>{{false, 1, 1}}));
  EXPECT_FALSE(is_finished(core_v1::Pod(*w.pod), w.runtime));
  w.runtime.containers[1].exit_code = 0;
  w.runtime.containers[0].exit_code = 0;
  EXPECT_TRUE(is_finished(core_v1::Pod(*w.pod), w.runtime));
}

TEST(Plan, AnImageChangeAndAFailedProbeKill) {
  World w(R"({"restartPolicy":"Always","containers":[{"name":"a","image":"x:2"}]})");
  w.sandbox();
  ContainerRecord& a = w.container("a", ContainerState::kRunning);
  a.annotations[std::string(kHashAnnotation)] = "other";
  ASSERT_EQ(w.plan().kills.size(), 1u);
  EXPECT_EQ(w.plan().kills[0].message, "Container a definition changed, will be restarted");
  a.annotations.clear();
  w.probes[a.id] = {true, true, false, "liveness"};
  ASSERT_EQ(w.plan().kills.size(), 1u);
  EXPECT_EQ(w.plan().kills[0].message, "Container a failed liveness probe, will be restarted");
}

TEST(Plan, ALostSandboxIsReplacedWithAllItsContainers) {
  World w(kTwo);
  w.sandbox(0, false);
  w.container("a", ContainerState::kRunning);
  w.container("b", ContainerState::kExited, 255);
  PodPlan plan = w.plan();
  EXPECT_TRUE(plan.create_sandbox);
  EXPECT_EQ(plan.sandbox_attempt, 1u);
  ASSERT_EQ(plan.kills.size(), 1u);
  EXPECT_EQ(plan.kills[0].id, "a0");
  w.runtime.containers[0].state = ContainerState::kExited;
  w.sandbox(1);
  EXPECT_EQ(w.plan().starts, (std::vector<ContainerStart>{{false, 0, 1}, {false, 1, 1}}));
}

TEST(BackOff, IsForgottenAfterAQuietTime) {
  BackOff b;
  b.next("k", kNow);
  EXPECT_EQ(b.allowed_at("k", kNow, kNow), kNow + 10 * kSecond);
  EXPECT_EQ(b.allowed_at("k", kNow + 700 * kSecond, kNow + 700 * kSecond), 0);
  b.next("k", kNow + 700 * kSecond);
  EXPECT_EQ(b.delay("k"), BackOff::kFirst);
}

TEST(BackOff, AClockThatJumpsBackHoldsNobodyForLong) {
  BackOff b;
  b.next("k", kNow);
  MicroTime earlier = kNow - 86'400 * kSecond;
  EXPECT_LE(b.allowed_at("k", kNow, earlier), earlier + 10 * kSecond);
}

}  // namespace
}  // namespace tiphys::kubelet
