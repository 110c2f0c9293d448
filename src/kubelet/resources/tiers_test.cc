#include "kubelet/resources/tiers.h"

#include <gtest/gtest.h>

#include "kubelet/pods/test_objects.h"
#include "object/quantity.h"

namespace tiphys::kubelet {
namespace {

constexpr int64_t kGibibyte = int64_t{1} << 30;

NodeFacts facts() {
  NodeFacts out;
  out.machine.cpus = 4;
  out.machine.memory_bytes = 8 * kGibibyte;
  out.machine.disk_bytes = 100 * kGibibyte;
  out.machine.huge_pages = {{2 << 20, 512}, {kGibibyte, 0}};
  out.machine.pids_max = 32768;
  return out;
}

TEST(Tiers, KubepodsHoldsWhatIsNotReserved) {
  Options options;
  options.system_reserved = {{"cpu", "500m"}, {"memory", "1Gi"}, {"pid", "1000"}};
  options.kube_reserved = {{"cpu", "500m"}, {"memory", "1Gi"}};
  os::CgroupLimits limits = kubepods_limits(facts(), options);
  EXPECT_EQ(limits.cpu_shares, 3072);
  EXPECT_EQ(limits.memory_bytes, 6 * kGibibyte) << "eviction's part may be used";
  EXPECT_EQ(limits.pids, 31768);
  options.enforce_node_allocatable = {};
  EXPECT_EQ(kubepods_limits(facts(), options).memory_bytes, 8 * kGibibyte);
  EXPECT_EQ(reserved_limits(options.system_reserved),
            (os::CgroupLimits{
                .cpu_shares = 512, .memory_bytes = kGibibyte, .pids = 1000, .huge_pages = {}}));
}

TEST(Tiers, BurstableHasTheSumOfItsPods) {
  ObjectPtr burstable =
      pod_of(R"({"containers":[{"name":"a","resources":{"requests":{"cpu":"300m"}}}]})");
  ObjectPtr guaranteed = pod_of(R"({"containers":[{"name":"a","resources":{
      "requests":{"cpu":"1","memory":"1Mi"},"limits":{"cpu":"1","memory":"1Mi"}}}]})");
  ObjectPtr best_effort = pod_of(R"({"containers":[{"name":"a"}]})");
  std::vector<core_v1::Pod> active;
  for (const ObjectPtr* pod : {&burstable, &guaranteed, &best_effort, &burstable}) {
    active.emplace_back(**pod);
  }
  std::vector<GroupLimits> limits = tier_limits("/root", active);
  ASSERT_EQ(limits.size(), 2u);
  EXPECT_EQ(limits[0].path, "/root/kubepods/burstable");
  EXPECT_EQ(limits[0].limits.cpu_shares, 614);
  EXPECT_EQ(limits[1].path, "/root/kubepods/besteffort");
  EXPECT_EQ(limits[1].limits.cpu_shares, 2);
  EXPECT_EQ(tier_limits("", {})[0].limits.cpu_shares, 2);
}

TEST(NodeObject, AllocatableIsCapacityWithoutReservationsAndEviction) {
  Options options;
  options.max_pods = 50;
  options.pods_per_core = 10;
  options.system_reserved = {{"memory", "1Gi"}, {"ephemeral-storage", "10Gi"}};
  std::map<std::string, std::string> capacity = node_capacity(facts(), options);
  EXPECT_EQ(capacity["memory"], "8388608Ki");
  EXPECT_EQ(capacity["ephemeral-storage"], "104857600Ki");
  EXPECT_EQ(capacity["hugepages-2Mi"], "1Gi");
  EXPECT_EQ(capacity["hugepages-1Gi"], "0");
  EXPECT_EQ(capacity["pods"], "40");
  std::map<std::string, std::string> left = node_allocatable(facts(), options);
  EXPECT_EQ(left["cpu"], "4");
  EXPECT_EQ(Quantity::of(left["memory"]).value(), 6 * kGibibyte - (100 << 20));
  EXPECT_EQ(Quantity::of(left["ephemeral-storage"]).value(), 80 * kGibibyte);
  EXPECT_EQ(left["hugepages-2Mi"], "1Gi");
  options.system_reserved = {{"memory", "64Gi"}};
  EXPECT_EQ(node_allocatable(facts(), options)["memory"], "0");
}

}  // namespace
}  // namespace tiphys::kubelet
