#include "kubelet/pods/plan.h"

#include <gtest/gtest.h>

#include "kubelet/pods/restart_policy.h"
#include "kubelet/pods/test_objects.h"

namespace tiphys::kubelet {
namespace {

constexpr MicroTime kSecond = kMicrosPerSecond;
constexpr MicroTime kNow = 1'000'000 * kSecond;

ContainerStart main_start(size_t index, uint32_t attempt = 0) {
  return {{ContainerKind::kMain, index}, attempt};
}
ContainerStart init_start(size_t index, uint32_t attempt = 0) {
  return {{ContainerKind::kInit, index}, attempt};
}

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
  EXPECT_EQ(w.plan().starts, (std::vector<ContainerStart>{main_start(0), main_start(1)}));
  w.container("a", ContainerState::kRunning);
  EXPECT_EQ(w.plan().starts, (std::vector<ContainerStart>{main_start(1, 0)}));
  w.container("b", ContainerState::kRunning);
  PodPlan plan = w.plan();
  EXPECT_TRUE(plan.starts.empty() && plan.kills.empty() && !plan.create_sandbox);
}

TEST(Plan, InitContainersRunInOrder) {
  World w(kInit);
  w.sandbox();
  EXPECT_EQ(w.plan().starts, (std::vector<ContainerStart>{init_start(0, 0)}));
  ContainerRecord& i = w.container("i", ContainerState::kRunning);
  EXPECT_TRUE(w.plan().starts.empty());
  i.state = ContainerState::kExited;
  EXPECT_EQ(w.plan().starts, (std::vector<ContainerStart>{init_start(1, 0)}));
  w.container("j", ContainerState::kExited);
  EXPECT_EQ(w.plan().starts, (std::vector<ContainerStart>{main_start(0, 0)}));
}

TEST(Plan, AFailedInitContainerIsTriedAgainUnlessNever) {
  World w(kInit);
  w.sandbox();
  w.container("i", ContainerState::kExited, 1);
  EXPECT_EQ(w.plan().starts, (std::vector<ContainerStart>{init_start(0, 1)}));
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
  EXPECT_EQ(w.plan().starts, (std::vector<ContainerStart>{init_start(0, 0)}));
  ContainerRecord& s = w.container("s", ContainerState::kRunning);
  EXPECT_EQ(w.plan().starts, (std::vector<ContainerStart>{main_start(0, 0)}));
  s.state = ContainerState::kExited;
  w.container("a", ContainerState::kRunning);
  EXPECT_EQ(w.plan().starts, (std::vector<ContainerStart>{init_start(0, 1)}));
}

TEST(Plan, ACrashLoopWaitsLongerEachTime) {
  World w(R"({"restartPolicy":"Always","containers":[{"name":"a"}]})");
  w.sandbox();
  std::string key = back_off_key(core_v1::Pod(*w.pod), core_v1::Pod(*w.pod).spec().containers()[0]);
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
  EXPECT_EQ(w.plan().starts, (std::vector<ContainerStart>{main_start(1, 1)}));
  EXPECT_FALSE(is_finished(core_v1::Pod(*w.pod), w.runtime));
  w.runtime.containers[1].exit_code = 0;
  w.runtime.containers[0].exit_code = 0;
  EXPECT_TRUE(is_finished(core_v1::Pod(*w.pod), w.runtime));
}

TEST(Plan, WhatWasEndedToBeResizedStartsAgainAtOnceWhateverItsExitCode) {
  World w(R"({"restartPolicy":"OnFailure","containers":[{"name":"a"},{"name":"b"}]})");
  w.sandbox();
  ContainerRecord& a = w.container("a", ContainerState::kExited, 0, 3);
  a.restart_due = true;
  w.container("b", ContainerState::kExited, 0);
  w.back_off.next(back_off_key(core_v1::Pod(*w.pod), core_v1::Pod(*w.pod).spec().containers()[0]),
                  w.now);
  PodPlan plan = w.plan();
  EXPECT_EQ(plan.starts, (std::vector<ContainerStart>{main_start(0, 4)}));
  EXPECT_TRUE(plan.waiting.empty()) << "it did not crash";
  EXPECT_FALSE(is_finished(core_v1::Pod(*w.pod), w.runtime));
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
  EXPECT_EQ(w.plan().starts, (std::vector<ContainerStart>{main_start(0, 1), main_start(1, 1)}));
}

TEST(Plan, ASidecarsStartupProbeHoldsTheNextOneBack) {
  World w(R"({"restartPolicy":"Always","initContainers":[{"name":"s","restartPolicy":"Always"},
      {"name":"t","restartPolicy":"Always"},{"name":"i"}],"containers":[{"name":"a"}]})");
  w.sandbox();
  EXPECT_EQ(w.plan().starts, (std::vector<ContainerStart>{init_start(0)}));
  w.container("s", ContainerState::kRunning);
  w.probes["s0"] = {false, false, true, ""};
  EXPECT_TRUE(w.plan().starts.empty());
  w.probes["s0"].started = true;
  EXPECT_EQ(w.plan().starts, (std::vector<ContainerStart>{init_start(1)})) << "ready or not";
  w.container("t", ContainerState::kRunning);
  EXPECT_EQ(w.plan().starts, (std::vector<ContainerStart>{init_start(2)}));
  w.container("i", ContainerState::kRunning);
  for (ContainerRecord& c : w.runtime.containers) {
    c.state = c.name == "s" ? ContainerState::kExited : ContainerState::kRunning;
  }
  EXPECT_EQ(w.plan().starts, (std::vector<ContainerStart>{init_start(0, 1)}));
  for (ContainerRecord& c : w.runtime.containers) {
    if (c.name == "i") c.state = ContainerState::kExited;
  }
  EXPECT_EQ(w.plan().starts, (std::vector<ContainerStart>{init_start(0, 1), main_start(0)}))
      << "one that restarts holds nobody back any more";
}

TEST(Plan, InitContainersThatAreGoneFromTheRuntimeAreDone) {
  World w(kInit);
  w.sandbox();
  w.container("j", ContainerState::kRunning);
  EXPECT_TRUE(w.plan().starts.empty());
  w.runtime.containers[0].state = ContainerState::kExited;
  EXPECT_EQ(w.plan().starts, (std::vector<ContainerStart>{main_start(0)}));
}

TEST(Plan, EphemeralContainersStartOnceWhateverInitContainersDo) {
  World w(R"({"restartPolicy":"Always","initContainers":[{"name":"i"}],
      "containers":[{"name":"a"}],"ephemeralContainers":[{"name":"debug"}]})");
  w.sandbox();
  ContainerStart debug{{ContainerKind::kEphemeral, 0}, 0};
  EXPECT_EQ(w.plan().starts, (std::vector<ContainerStart>{debug, init_start(0)}));
  w.container("i", ContainerState::kRunning);
  w.container("debug", ContainerState::kExited, 1);
  EXPECT_TRUE(w.plan().starts.empty());
}

TEST(Plan, RestartPoliciesOfContainersOverrideThePods) {
  World w(R"({"restartPolicy":"Always","containers":[{"name":"a","restartPolicy":"Never"},
      {"name":"b","restartPolicy":"OnFailure"},{"name":"c"},
      {"name":"d","restartPolicy":"Never","restartPolicyRules":[
          {"action":"Restart","exitCodes":{"operator":"NotIn","values":[0,1]}}]}]})");
  w.sandbox();
  for (const char* name : {"a", "b", "c", "d"}) w.container(name, ContainerState::kExited, 1);
  EXPECT_EQ(w.plan().starts, (std::vector<ContainerStart>{main_start(1, 1), main_start(2, 1)}));
  for (ContainerRecord& c : w.runtime.containers) c.exit_code = 42;
  EXPECT_EQ(w.plan().starts,
            (std::vector<ContainerStart>{main_start(1, 1), main_start(2, 1), main_start(3, 1)}));
  for (ContainerRecord& c : w.runtime.containers) c.exit_code = 0;
  EXPECT_EQ(w.plan().starts, (std::vector<ContainerStart>{main_start(2, 1)}));
}

TEST(Plan, AnInitContainerOfPolicyNeverFailsThePod) {
  World w(R"({"restartPolicy":"Always","initContainers":[{"name":"i","restartPolicy":"Never"}],
             "containers":[{"name":"a"}]})");
  w.sandbox();
  w.container("i", ContainerState::kExited, 1);
  EXPECT_TRUE(w.plan().starts.empty());
  EXPECT_TRUE(is_finished(core_v1::Pod(*w.pod), w.runtime));
}

TEST(Plan, AProbeThatFailedSaysHowLongItsContainerGets) {
  World w(R"({"restartPolicy":"Never","containers":[{"name":"a",
      "livenessProbe":{"terminationGracePeriodSeconds":7}}]})");
  w.sandbox();
  ContainerRecord& a = w.container("a", ContainerState::kRunning);
  w.probes[a.id] = {true, true, false, "liveness"};
  ASSERT_EQ(w.plan().kills.size(), 1u);
  EXPECT_EQ(w.plan().kills[0].grace, 7);
  EXPECT_EQ(w.plan().kills[0].message, "Container a failed liveness probe");
  w.probes[a.id].failed = "startup";
  EXPECT_EQ(w.plan().kills[0].grace, std::nullopt);
}

TEST(Plan, AContainerInUnknownStateIsStoppedFirst) {
  World w(R"({"restartPolicy":"Always","containers":[{"name":"a"}]})");
  w.sandbox();
  w.container("a", ContainerState::kUnknown);
  PodPlan plan = w.plan();
  EXPECT_TRUE(plan.starts.empty());
  ASSERT_EQ(plan.kills.size(), 1u);
  EXPECT_EQ(plan.kills[0].message,
            "Container is in \"unknown\" state, try killing it before restart");
}

TEST(Plan, ANewSandboxStartsNobodyThatEndedForGood) {
  World w(R"({"restartPolicy":"OnFailure","containers":[{"name":"a"},{"name":"b"}]})");
  w.sandbox(0, false);
  w.container("a", ContainerState::kExited, 0);
  w.container("b", ContainerState::kExited, 137);
  EXPECT_TRUE(w.plan().create_sandbox);
  w.sandbox(1);
  EXPECT_EQ(w.plan().starts, (std::vector<ContainerStart>{main_start(1, 1)}));
  World never(kTwo);
  never.pod = pod_of(R"({"restartPolicy":"Never","containers":[{"name":"a"}]})");
  never.sandbox(0, false);
  never.container("a", ContainerState::kRunning);
  PodPlan plan = never.plan();
  EXPECT_FALSE(plan.create_sandbox);
  EXPECT_EQ(plan.kills.size(), 1u) << "what still runs without its sandbox ends";
}

TEST(Plan, SidecarsStopAfterTheOthersTheLastFirst) {
  World w(R"({"initContainers":[{"name":"s","restartPolicy":"Always"},{"name":"i"},
      {"name":"t","restartPolicy":"Always"}],"containers":[{"name":"a"}]})");
  w.sandbox();
  for (const char* name : {"s", "t", "a"}) w.container(name, ContainerState::kRunning);
  core_v1::PodSpec spec = core_v1::Pod(*w.pod).spec();
  auto turn = [&](const char* name) { return may_stop(spec, w.runtime, name); };
  EXPECT_TRUE(turn("a") && !turn("t") && !turn("s"));
  w.runtime.containers[2].state = ContainerState::kExited;
  EXPECT_TRUE(turn("t") && !turn("s"));
  w.runtime.containers[1].state = ContainerState::kExited;
  EXPECT_TRUE(turn("s"));
}

TEST(BackOff, HasAShorterLimitIfToldSo) {
  BackOff b(4 * kSecond);
  b.next("k", kNow);
  b.next("k", kNow);
  EXPECT_EQ(b.delay("k"), 4 * kSecond);
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
