#include "os/cgroup_usage.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "os/cgroups.h"
#include "os/files.h"

namespace tiphys::os {
namespace {

TEST(CgroupUsage, FlatKeyedFindsWholeKeys) {
  EXPECT_EQ(flat_keyed("usage_usec_x 1\nusage_usec 25\nuser_usec 3\n", "usage_usec"), 25);
  EXPECT_EQ(flat_keyed("usage_usec 25", "usage"), std::nullopt);
  EXPECT_EQ(flat_keyed("usage_usec\nusage_usec x\n", "usage_usec"), std::nullopt);
  EXPECT_EQ(flat_keyed("", "a"), std::nullopt);
}

TEST(CgroupUsage, MemoryStatOfBothVersions) {
  CgroupUsage v1;
  read_memory_stat(false, "inactive_file 1\nrss 2\ntotal_inactive_file 30\ntotal_rss 40\n", v1);
  EXPECT_EQ(v1.inactive_file_bytes, 30);
  EXPECT_EQ(v1.rss_bytes, 40);
  CgroupUsage v2;
  read_memory_stat(true, "anon 7\ninactive_file 5\npgfault 9\npgmajfault 3\n", v2);
  EXPECT_EQ(v2.inactive_file_bytes, 5);
  EXPECT_EQ(v2.rss_bytes, 7);
  EXPECT_EQ(v2.page_faults, 9);
  EXPECT_EQ(v2.major_page_faults, 3);
}

TEST(CgroupUsage, swap_and_what_is_mapped) {
  CgroupUsage v1;
  read_memory_stat(false, "swap 1\nmapped_file 2\ntotal_swap 30\ntotal_mapped_file 40\n", v1);
  EXPECT_EQ(v1.swap_bytes, 30);
  EXPECT_EQ(v1.mapped_file_bytes, 40);
  CgroupUsage v2;
  read_memory_stat(true, "file_mapped 7\n", v2);
  EXPECT_EQ(v2.mapped_file_bytes, 7);
}

TEST(CgroupUsage, block_devices_of_both_versions) {
  std::vector<DeviceUsage> expected = {{"8:0", 10, 20, 3, 4}, {"253:1", 0, 5, 0, 1}};
  EXPECT_EQ(read_io_stat("8:0 rbytes=10 wbytes=20 rios=3 wios=4 dbytes=0 dios=0\n"
                         "253:1 rbytes=0 wbytes=5 rios=0 wios=1\n"),
            expected);
  EXPECT_EQ(read_blkio("8:0 Read 10\n8:0 Write 20\n8:0 Sync 9\n253:1 Read 0\n253:1 Write 5\n"
                       "Total 35\n",
                       "8:0 Read 3\n8:0 Write 4\n253:1 Write 1\nTotal 8\n"),
            expected);
  EXPECT_TRUE(read_blkio("Total 0\n", "").empty());
  EXPECT_TRUE(read_io_stat("").empty());
  EXPECT_EQ(read_io_stat("8:0 rbytes=x rios"), (std::vector<DeviceUsage>{{"8:0"}}));
}

TEST(CgroupUsage, WorkingSetIsNeverNegative) {
  CgroupUsage usage{.memory_bytes = 10, .inactive_file_bytes = 4};
  EXPECT_EQ(usage.working_set_bytes(), 6);
  usage.inactive_file_bytes = 11;
  EXPECT_EQ(usage.working_set_bytes(), 0);
}

TEST(CgroupUsage, LimitsThatAreNone) {
  EXPECT_EQ(memory_limit("max"), 0);
  EXPECT_EQ(memory_limit("9223372036854771712"), 0);
  EXPECT_EQ(memory_limit("1048576"), 1048576);
}

// Controllers in either hierarchy, in real folders that look like cgroup file systems.
class CgroupFolders : public testing::Test {
 protected:
  CgroupFolders() {
    char name[] = "/tmp/tiphys-cgroups-XXXXXX";
    root_ = ::mkdtemp(name);
  }
  ~CgroupFolders() override { (void)remove_tree(root_); }
  void put(const std::string& path, const std::string& text) {
    std::string file = root_ + path;
    ASSERT_TRUE(make_dirs(file.substr(0, file.rfind('/'))));
    ASSERT_TRUE(write_file(file, text));
  }
  std::string root_;
};

TEST_F(CgroupFolders, ReadsV1) {
  put("/cpuacct/pods/a/cpuacct.usage", "5000000001\n");
  put("/memory/pods/a/memory.usage_in_bytes", "4096\n");
  put("/memory/pods/a/memory.stat", "total_inactive_file 96\n");
  put("/memory/pods/a/memory.limit_in_bytes", "8192\n");
  Cgroups groups({.v1 = {{"cpuacct", root_ + "/cpuacct"}, {"memory", root_ + "/memory"}}});
  Result<CgroupUsage> usage = groups.usage("/pods/a");
  ASSERT_TRUE(usage) << usage.error().message();
  EXPECT_EQ(usage->cpu_ns, 5'000'000'001);
  EXPECT_EQ(usage->working_set_bytes(), 4000);
  EXPECT_EQ(usage->memory_limit_bytes, 8192);
  EXPECT_FALSE(groups.usage("/pods/b"));
}

TEST_F(CgroupFolders, ReadsV2AndControllersThatWereLeftToV2) {
  put("/a/cpu.stat", "usage_usec 12\nuser_usec 3\n");
  put("/a/memory.current", "4096\n");
  put("/a/memory.stat", "inactive_file 96\n");
  put("/a/memory.max", "max\n");
  Result<CgroupUsage> usage = Cgroups({.v2 = true, .unified = root_, .v1 = {}}).usage("/a");
  ASSERT_TRUE(usage) << usage.error().message();
  EXPECT_EQ(usage->cpu_ns, 12'000);
  EXPECT_EQ(usage->working_set_bytes(), 4000);
  EXPECT_EQ(usage->memory_limit_bytes, 0);
  put("/v1/a/cpuacct.usage", "77\n");
  usage = Cgroups({.unified = root_, .v1 = {{"cpuacct", root_ + "/v1"}}}).usage("/a");
  ASSERT_TRUE(usage) << usage.error().message();
  EXPECT_EQ(usage->cpu_ns, 77);
  EXPECT_EQ(usage->memory_bytes, 4096);
}

}  // namespace
}  // namespace tiphys::os
