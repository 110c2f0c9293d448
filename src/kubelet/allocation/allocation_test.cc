#include "kubelet/allocation/allocation.h"

#include <gtest/gtest.h>

#include "kubelet/allocation/checkpoint.h"
#include "kubelet/allocation/resize.h"
#include "kubelet/pods/test_objects.h"

namespace tiphys::kubelet {
namespace {

constexpr int64_t kMi = 1 << 20;

std::string container(const std::string& name, const std::string& amounts,
                      const std::string& more = "") {
  return "{\"name\":\"" + name + "\",\"resources\":{\"requests\":" + amounts +
         ",\"limits\":" + amounts + "}" + more + "}";
}

std::string spec_of(const std::string& containers) {
  return "{\"containers\":[" + containers + "]}";
}

const core_v1::Pod view(const ObjectPtr& pod) { return core_v1::Pod(*pod); }

TEST(Allocation, IsComparedByValueAndPutIntoAPod) {
  ObjectPtr one = pod_of(spec_of(container("a", R"({"cpu":"1"})")));
  ObjectPtr same = pod_of(spec_of(container("a", R"({"cpu":"1000m"})")));
  ObjectPtr more = pod_of(spec_of(container("a", R"({"cpu":"2"})")));
  Allocation has = wanted_allocation(view(one).spec());
  EXPECT_TRUE(same_allocation(has, wanted_allocation(view(same).spec())));
  EXPECT_FALSE(same_allocation(has, wanted_allocation(view(more).spec())));
  EXPECT_EQ(with_allocation(same, has), same) << "nothing to change";
  ObjectPtr shrunk = with_allocation(more, has);
  EXPECT_EQ(view(shrunk).spec().containers()[0].resources().limits().find("cpu"), "1");
  EXPECT_EQ(view(more).spec().containers()[0].resources().limits().find("cpu"), "2");
}

TEST(Allocation, InitContainersThatEndAreNotInIt) {
  ObjectPtr pod = pod_of(R"({"containers":[{"name":"a"}],"initContainers":[{"name":"i"},)"
                         R"({"name":"s","restartPolicy":"Always"}]})");
  Allocation all = wanted_allocation(view(pod).spec());
  EXPECT_TRUE(all.contains("a") && all.contains("s"));
  EXPECT_FALSE(all.contains("i"));
}

TEST(Allocation, OfARunningPodIsWhatItsStatusShows) {
  ObjectPtr pod =
      pod_of(spec_of(container("a", R"({"cpu":"2"})") + "," + container("b", R"({"cpu":"3"})")),
             R"({"containerStatuses":[{"name":"a","allocatedResources":{"cpu":"1"},)"
             R"("resources":{"requests":{"cpu":"500m"},"limits":{"cpu":"1"}}}]})");
  Allocation all = shown_allocation(view(pod));
  EXPECT_EQ(all["a"].requests["cpu"], "1");
  EXPECT_EQ(all["a"].limits["cpu"], "1");
  EXPECT_EQ(all["b"].requests["cpu"], "3");
}

TEST(Allocation, SummaryForEvents) {
  ObjectPtr pod = pod_of(spec_of(container("a", R"({"cpu":"2"})")));
  EXPECT_EQ(resize_summary(view(pod), 3, "no"),
            R"({"containers":[{"name":"a","resources":{"limits":{"cpu":"2"},)"
            R"("requests":{"cpu":"2"}}}],"generation":3,"error":"no"})");
}

TEST(AllocationCheckpoint, IsReadAgain) {
  Allocations all;
  all["u1"]["a"].requests["cpu"] = "1";
  all["u1"]["b"].limits["memory"] = "1Gi";
  all["u2"]["\"<"] = {};
  Result<Allocations> read = decode_checkpoint(encode_checkpoint(all));
  ASSERT_TRUE(read);
  EXPECT_TRUE(same_allocation((*read)["u1"], all["u1"]));
  EXPECT_TRUE(same_allocation((*read)["u2"], all["u2"]));
  EXPECT_EQ(read->size(), 2);
}

TEST(AllocationCheckpoint, BrokenOnesAreErrors) {
  Allocations all;
  all["u1"]["a"].requests["cpu"] = "1";
  std::string good = encode_checkpoint(all);
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(decode_checkpoint(good.substr(0, size))) << size;
  }
  std::string changed = good;
  changed.replace(changed.find("\\\"1\\\""), 5, "\\\"2\\\"");
  EXPECT_FALSE(decode_checkpoint(changed)) << "its checksum is another";
  EXPECT_FALSE(decode_checkpoint("[]"));
  EXPECT_FALSE(decode_checkpoint(R"({"data":[1],"checksum":"x"})"));
  all["u1"]["a"].requests["cpu"] = "much";
  EXPECT_FALSE(decode_checkpoint(encode_checkpoint(all)));
}

// "reason: message"; "": allowed.
std::string judged(const std::string& amounts, const std::string& taken) {
  ObjectPtr node = object_of(R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n"},)"
                             R"("status":{"allocatable":{"cpu":"2","memory":"4Gi","pods":"9"}}})");
  ObjectPtr other = pod_of(spec_of(container("a", taken)));
  ObjectPtr pod = pod_of(spec_of(container("a", amounts)));
  AdmissionInput input{.node = core_v1::Node(*node), .active = {view(other)}};
  std::optional<Why> why = judge_resize(input, view(pod));
  return why ? why->reason + ": " + why->message : "";
}

TEST(Resize, FitsLaterOrNever) {
  EXPECT_EQ(judged(R"({"cpu":"1"})", R"({"cpu":"1"})"), "");
  EXPECT_EQ(judged(R"({"cpu":"1500m"})", R"({"cpu":"1"})"),
            "Deferred: Node didn't have enough resource: cpu, requested: 1500, used: 1000, "
            "capacity: 2000");
  EXPECT_EQ(judged(R"({"cpu":"3"})", "{}"),
            "Infeasible: Node didn't have enough capacity: cpu, requested: 3000, capacity: 2000");
  EXPECT_EQ(judged(R"({"cpu":"3","memory":"5Gi"})", "{}"),
            "Infeasible: Node didn't have enough capacity: memory, requested: 5368709120, "
            "capacity: 4294967296");
}

TEST(Resize, WhoIsJudgedFirst) {
  auto pod_with = [](const std::string& more, const char* limits = "{}") {
    return pod_of("{" + more + R"("containers":[{"name":"a","resources":{"requests":)" +
                  R"({"cpu":"1","memory":"1Mi"},"limits":)" + limits + "}}]}");
  };
  ObjectPtr plain = pod_with("");
  ObjectPtr urgent = pod_with("\"priority\":9,");
  ObjectPtr guaranteed = pod_with("", R"({"cpu":"1","memory":"1Mi"})");
  std::vector<WaitingResize> order = {{view(plain), false, 0},     {view(urgent), true, 0},
                                      {view(guaranteed), true, 9}, {view(plain), true, 5},
                                      {view(plain), true, 6},      {view(plain), true, 0}};
  for (size_t i = 0; i < order.size(); ++i) {
    for (size_t j = 0; j < order.size(); ++j) {
      EXPECT_EQ(goes_before(order[i], order[j]), i < j) << i << " " << j;
    }
  }
}

TEST(Resize, WhatNeedsMore) {
  auto more = [](const char* had, const char* wants) {
    ObjectPtr before = pod_of(spec_of(container("a", had)));
    ObjectPtr after = pod_of(spec_of(container("a", wants)));
    return increases_requests(view(before), view(after));
  };
  EXPECT_FALSE(more(R"({"cpu":"1","memory":"2Mi"})", R"({"cpu":"1000m","memory":"1Mi"})"));
  EXPECT_TRUE(more(R"({"cpu":"1","memory":"2Mi"})", R"({"cpu":"1001m","memory":"1Mi"})"));
  EXPECT_TRUE(more(R"({"cpu":"1"})", R"({"cpu":"1","memory":"1Mi"})"));
}

TEST(Resize, RequestsAreCountedByContainerAndResource) {
  auto spec = [](const char* requests, const char* limits) {
    return pod_of(std::string(R"({"containers":[{"name":"a","resources":{"requests":)") + requests +
                  ",\"limits\":" + limits + R"(}},{"name":"b"}]})");
  };
  ObjectPtr before = spec(R"({"cpu":"1","memory":"1Mi"})", R"({"cpu":"2"})");
  ObjectPtr after = spec(R"({"cpu":"2","memory":"1024Ki"})", R"({"memory":"2Mi"})");
  std::vector<RequestedResize> expected = {
      {"memory", "limits", "add"}, {"cpu", "requests", "increase"}, {"cpu", "limits", "remove"}};
  EXPECT_EQ(requested_resizes(view(before).spec(), view(after).spec()), expected);
  EXPECT_TRUE(requested_resizes(view(after).spec(), view(after).spec()).empty());
}

struct ResizePlanning : testing::Test {
  ResizePlan plan(const std::string& amounts, const std::string& policy = "") {
    std::string more = policy.empty() ? "" : ",\"resizePolicy\":" + policy;
    pod = pod_of(spec_of(container("a", amounts, more)));
    return plan_resize(view(pod), runtime, actuated);
  }
  void run(ContainerState state) {
    ContainerRecord one;
    one.id = "a0";
    one.name = "a";
    one.state = state;
    runtime.containers = {one};
  }
  void has(const std::string& cpu, const std::string& memory) {
    actuated["a"].requests = actuated["a"].limits = {{"cpu", cpu}, {"memory", memory}};
  }
  ObjectPtr pod;
  PodRuntime runtime;
  Allocation actuated;
};

TEST_F(ResizePlanning, ChangesWhatRuns) {
  has("1", "64Mi");
  EXPECT_TRUE(plan(R"({"cpu":"2","memory":"64Mi"})").empty()) << "nothing runs";
  run(ContainerState::kExited);
  EXPECT_TRUE(plan(R"({"cpu":"2","memory":"64Mi"})").empty());
  run(ContainerState::kRunning);
  EXPECT_TRUE(plan(R"({"cpu":"1000m","memory":"64Mi"})").empty());
  ResizePlan cpu = plan(R"({"cpu":"2","memory":"64Mi"})");
  ASSERT_EQ(cpu.updates.size(), 1);
  EXPECT_TRUE(cpu.updates[0].cpu && !cpu.updates[0].memory && cpu.restarts.empty());
}

TEST_F(ResizePlanning, RestartsWhereThePolicySaysSo) {
  const char* policy = R"([{"resourceName":"cpu","restartPolicy":"NotRequired"},)"
                       R"({"resourceName":"memory","restartPolicy":"RestartContainer"}])";
  has("1", "64Mi");
  run(ContainerState::kRunning);
  EXPECT_EQ(plan(R"({"cpu":"2","memory":"64Mi"})", policy).updates.size(), 1);
  ResizePlan memory = plan(R"({"cpu":"2","memory":"65Mi"})", policy);
  EXPECT_EQ(memory.restarts.size(), 1);
  EXPECT_TRUE(memory.updates.empty());
  actuated.clear();
  ResizePlan unknown = plan(R"({"cpu":"2","memory":"65Mi"})", policy);
  EXPECT_TRUE(unknown.restarts.empty()) << "it may have them already";
  EXPECT_EQ(unknown.updates.size(), 1);
}

TEST_F(ResizePlanning, KnowsWhatWasEndedForIt) {
  has("1", "64Mi");
  run(ContainerState::kExited);
  runtime.containers[0].finished = 100;
  const char* restart = R"([{"resourceName":"memory","restartPolicy":"RestartContainer"}])";
  auto ended = [&](const char* memory, const std::string& policy, MicroTime since) {
    std::string amounts = std::string(R"({"cpu":"1","memory":")") + memory + "\"}";
    std::string more = policy.empty() ? "" : ",\"resizePolicy\":" + policy;
    pod = pod_of(spec_of(container("a", amounts, more)));
    return ended_for_resize(view(pod), runtime, actuated, since).contains("a0");
  };
  EXPECT_TRUE(ended("65Mi", restart, 100));
  EXPECT_FALSE(ended("65Mi", restart, 101)) << "it ended before that";
  EXPECT_FALSE(ended("64Mi", restart, 100)) << "it has them";
  EXPECT_FALSE(ended("65Mi", "", 100)) << "it is resized while it runs";
  runtime.containers[0].state = ContainerState::kRunning;
  EXPECT_FALSE(ended("65Mi", restart, 100));
}

TEST_F(ResizePlanning, MemoryInUseIsNotTakenAway) {
  has("1", "64Mi");
  run(ContainerState::kRunning);
  ResizePlan less = plan(R"({"cpu":"1","memory":"32Mi"})");
  os::CgroupLimits now{.memory_bytes = 64 * kMi};
  os::CgroupLimits wanted{.memory_bytes = 32 * kMi};
  EXPECT_TRUE(lowers_memory(less, now, wanted));
  EXPECT_EQ(memory_problem(less, now, wanted, {31 * kMi, {{"a0", 31 * kMi}}}), "");
  EXPECT_EQ(memory_problem(less, now, wanted, {34 * kMi, {{"a0", 31 * kMi}}}),
            "cannot decrease memory limits: attempting to set pod memory limit (33554432) below "
            "current usage (35651584)");
  EXPECT_EQ(memory_problem(less, now, wanted, {34 * kMi, {{"a0", 33 * kMi}}}),
            "cannot decrease memory limits: [attempting to set pod memory limit (33554432) below "
            "current usage (35651584), attempting to set container \"a\" memory limit (33554432) "
            "below current usage (34603008)]");
  ResizePlan more = plan(R"({"cpu":"1","memory":"128Mi"})");
  EXPECT_FALSE(lowers_memory(more, now, {.memory_bytes = 128 * kMi}));
}

TEST(Resize, GroupsGrowFirstAndShrinkLast) {
  os::CgroupLimits small{.cpu_shares = 10, .cpu_quota_us = 1000, .memory_bytes = 5};
  os::CgroupLimits large{.cpu_shares = 20, .cpu_quota_us = 2000, .memory_bytes = 6};
  EXPECT_EQ(memory_change(small, large).before.memory_bytes, 6);
  EXPECT_EQ(memory_change(small, large).after.memory_bytes, 0);
  EXPECT_EQ(memory_change(large, small).after.memory_bytes, 5);
  EXPECT_EQ(memory_change(small, {}).before.memory_bytes, -1) << "no limit is more than any";
  EXPECT_EQ(memory_change({}, small).after.memory_bytes, 5);
  GroupChange up = cpu_change(small, large);
  EXPECT_EQ(up.before, (os::CgroupLimits{.cpu_shares = 20, .cpu_quota_us = 2000}));
  EXPECT_EQ(up.after, os::CgroupLimits());
  large.cpu_shares = 5;
  GroupChange mixed = cpu_change(small, large);
  EXPECT_EQ(mixed.before, (os::CgroupLimits{.cpu_quota_us = 2000}));
  EXPECT_EQ(mixed.after, (os::CgroupLimits{.cpu_shares = 5}));
}

}  // namespace
}  // namespace tiphys::kubelet
