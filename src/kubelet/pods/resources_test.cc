#include "kubelet/pods/resources.h"

#include <gtest/gtest.h>

#include "kubelet/pods/test_objects.h"

namespace tiphys::kubelet {
namespace {

constexpr int64_t kMebibyte = 1 << 20;

os::CgroupLimits limits_of(const std::string& spec, const LimitRules& rules = {}) {
  ObjectPtr pod = pod_of(spec);
  return pod_limits(core_v1::Pod(*pod).spec(), rules);
}

os::CgroupLimits first_container(const std::string& spec) {
  ObjectPtr pod = pod_of(spec);
  core_v1::PodSpec view = core_v1::Pod(*pod).spec();
  return container_limits(view, view.containers()[0], {});
}

int64_t score(const std::string& spec, size_t index = 0, bool init = false) {
  ObjectPtr pod = pod_of(spec);
  core_v1::PodSpec view = core_v1::Pod(*pod).spec();
  return oom_score_adjustment(view, init ? view.init_containers()[index] : view.containers()[index],
                              1000 * kMebibyte);
}

TEST(PodLimits, SumContainersAndSidecarsOverTheLargestInitStep) {
  os::CgroupLimits limits = limits_of(R"({
      "initContainers":[
        {"name":"i","resources":{"requests":{"cpu":"2"},"limits":{"cpu":"2","memory":"10Mi"}}},
        {"name":"s","restartPolicy":"Always",
         "resources":{"requests":{"cpu":"100m"},"limits":{"cpu":"1","memory":"20Mi"}}}],
      "containers":[
        {"name":"a",
         "resources":{"requests":{"cpu":"400m"},"limits":{"cpu":"3","memory":"30Mi"}}}]})");
  EXPECT_EQ(limits.cpu_shares, 2048) << "the init container asks for most";
  EXPECT_EQ(limits.cpu_quota_us, 400'000);
  EXPECT_EQ(limits.memory_bytes, 50 * kMebibyte);
}

TEST(PodLimits, OneContainerWithoutALimitLeavesThePodUnlimited) {
  os::CgroupLimits limits = limits_of(R"({"containers":[
      {"name":"a","resources":{"limits":{"cpu":"1","memory":"1Mi"}}},
      {"name":"b","resources":{"limits":{"cpu":"1"}}}]})");
  EXPECT_EQ(limits.cpu_quota_us, 200'000);
  EXPECT_EQ(limits.memory_bytes, 0);
}

TEST(PodLimits, PodLevelValuesAndOverheadCount) {
  os::CgroupLimits limits = limits_of(R"({
      "resources":{"requests":{"cpu":"500m"},"limits":{"cpu":"1","memory":"100Mi"}},
      "overhead":{"cpu":"100m","memory":"28Mi"},"containers":[{"name":"a"}]})");
  EXPECT_EQ(limits.cpu_shares, 614);
  EXPECT_EQ(limits.cpu_quota_us, 110'000);
  EXPECT_EQ(limits.memory_bytes, 128 * kMebibyte);
}

TEST(PodLimits, RulesOfTheNode) {
  const char* spec = R"({"containers":[{"name":"a","resources":{"limits":{"cpu":"1","memory":"1Mi",
      "hugepages-2Mi":"4Mi"},"requests":{"hugepages-2Mi":"4Mi"}}}]})";
  os::CgroupLimits limits =
      limits_of(spec, {.cpu_period_us = 50'000, .pod_pids_limit = 40, .huge_page_sizes = {}});
  EXPECT_EQ(limits.cpu_quota_us, 50'000);
  EXPECT_EQ(limits.cpu_period_us, 50'000);
  EXPECT_EQ(limits.pids, 40);
  EXPECT_EQ(limits.huge_pages.at("2MB"), 4 * kMebibyte);
  EXPECT_EQ(limits_of(spec, {.cpu_cfs_quota = false, .huge_page_sizes = {}}).cpu_quota_us, -1);
  EXPECT_EQ(limits_of(spec).pids, 0);
}

TEST(PodLimits, BestEffortGetsTheLeast) {
  EXPECT_EQ(limits_of(R"({"containers":[{"name":"a"}]})").cpu_shares, 2);
}

TEST(ContainerLimits, WhatItLacksIsThePods) {
  os::CgroupLimits limits = first_container(R"({
      "resources":{"limits":{"cpu":"2","memory":"64Mi"}},"containers":[
      {"name":"a","resources":{"limits":{"memory":"8Mi"}}}]})");
  EXPECT_EQ(limits.cpu_quota_us, 200'000);
  EXPECT_EQ(limits.memory_bytes, 8 * kMebibyte);
}

TEST(OomScore, ByClassAndShareOfMemory) {
  EXPECT_EQ(score(R"({"containers":[{"name":"a"}]})"), 1000);
  EXPECT_EQ(score(R"({"containers":[{"name":"a","resources":{
      "requests":{"cpu":"1","memory":"1Mi"},"limits":{"cpu":"1","memory":"1Mi"}}}]})"),
            -997);
  auto burstable = [](const std::string& memory) {
    return score(R"({"containers":[{"name":"a","resources":{"requests":{"memory":")" + memory +
                 R"("}}}]})");
  };
  EXPECT_EQ(burstable("250Mi"), 750);
  EXPECT_EQ(burstable("1"), 999);
  EXPECT_EQ(burstable("4Gi"), 3);
  EXPECT_EQ(score(R"({"priority":2000001000,"priorityClassName":"system-node-critical",
      "containers":[{"name":"a"}]})"),
            -997);
}

TEST(OomScore, SidecarsGoNoEarlierThanWhatTheyServe) {
  const char* spec = R"({"initContainers":[{"name":"s","restartPolicy":"Always"}],"containers":[
      {"name":"a","resources":{"requests":{"memory":"500Mi"}}},
      {"name":"b","resources":{"requests":{"memory":"100Mi"}}}]})";
  EXPECT_EQ(score(spec, 0, true), 900);
  EXPECT_EQ(score(spec, 1), 900);
}

TEST(OomScore, UnclaimedPodMemoryIsShared) {
  EXPECT_EQ(score(R"({"resources":{"requests":{"memory":"500Mi"}},"containers":[
      {"name":"a","resources":{"requests":{"memory":"100Mi"}}},{"name":"b"}]})"),
            700);
}

}  // namespace
}  // namespace tiphys::kubelet
