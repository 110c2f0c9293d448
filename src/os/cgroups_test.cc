#include "os/cgroups.h"

#include <gtest/gtest.h>

namespace tiphys::os {
namespace {

constexpr const char* kHybrid =
    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

TEST(Cgroups, HybridCountsAsV1) {
  CgroupMounts mounts = find_cgroup_mounts(kHybrid);
  EXPECT_FALSE(mounts.v2);
  EXPECT_EQ(mounts.unified, "/sys/fs/cgroup/unified");
  EXPECT_EQ(mounts.v1["cpuacct"], "/sys/fs/cgroup/cpu,cpuacct");
  EXPECT_EQ(mounts.v1["memory"], "/sys/fs/cgroup/memory");
}

TEST(Cgroups, OneUnifiedTreeIsV2) {
  CgroupMounts mounts = find_cgroup_mounts("31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  EXPECT_TRUE(mounts.v2);
}

TEST(Cgroups, NoiseIsIgnored) {
  CgroupMounts mounts = find_cgroup_mounts("garbage\n\n1 2 3 - x\n - \n");
  EXPECT_FALSE(mounts.v2);
  EXPECT_TRUE(mounts.v1.empty());
}

TEST(Cgroups, SharesBecomeWeights) {
  EXPECT_EQ(cpu_weight_of_shares(0), 1);
  EXPECT_EQ(cpu_weight_of_shares(2), 1);
  EXPECT_EQ(cpu_weight_of_shares(1024), 39);
  EXPECT_EQ(cpu_weight_of_shares(262'144), 10'000);
  EXPECT_EQ(cpu_weight_of_shares(1'000'000'000), 10'000);
}

TEST(Cgroups, LimitsBecomeFiles) {
  CgroupLimits limits{
      .cpu_shares = 512, .cpu_quota_us = 50'000, .memory_bytes = 1 << 20, .pids = -1};
  std::vector<CgroupWrite> v1 = cgroup_writes(false, limits);
  ASSERT_EQ(v1.size(), 5u);
  EXPECT_EQ(v1[0], (CgroupWrite{"cpu", "cpu.shares", "512"}));
  EXPECT_EQ(v1[2], (CgroupWrite{"cpu", "cpu.cfs_quota_us", "50000"}));
  EXPECT_EQ(v1[4], (CgroupWrite{"pids", "pids.max", "max"}));
  std::vector<CgroupWrite> v2 = cgroup_writes(true, limits);
  ASSERT_EQ(v2.size(), 4u);
  EXPECT_EQ(v2[1], (CgroupWrite{"", "cpu.max", "50000 100000"}));
  EXPECT_EQ(v2[2], (CgroupWrite{"", "memory.max", "1048576"}));
}

TEST(Cgroups, HugePagesByTheControllersNames) {
  EXPECT_EQ(huge_page_name(64 << 10), "64KB");
  EXPECT_EQ(huge_page_name(2 << 20), "2MB");
  EXPECT_EQ(huge_page_name(1 << 30), "1GB");
  CgroupLimits limits{.huge_pages = {{"2MB", 4 << 20}}};
  EXPECT_EQ(cgroup_writes(false, limits)[0],
            (CgroupWrite{"hugetlb", "hugetlb.2MB.limit_in_bytes", "4194304"}));
  EXPECT_EQ(cgroup_writes(true, limits)[0], (CgroupWrite{"", "hugetlb.2MB.max", "4194304"}));
}

}  // namespace
}  // namespace tiphys::os
