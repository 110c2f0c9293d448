#include "kubelet/stats/pod_disk.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "kubelet/pods/test_objects.h"
#include "os/files.h"

namespace tiphys::kubelet {
namespace {

constexpr MicroTime kNow = 1'700'000'000'000'000;
constexpr FsUsage kNode{.time = 5, .available = 10, .capacity = 100, .inodes = 1000};

ObjectPtr pod_with_volumes() {
  return pod_of(
      R"({"volumes":[{"name":"scratch","emptyDir":{}},{"name":"ram","emptyDir":)"
      R"({"medium":"Memory"}},)"
      R"({"name":"host","hostPath":{"path":"/"}},{"name":"settings","configMap":{"name":"x"}},)"
      R"({"name":"key","secret":{"secretName":"x"}},{"name":"late","emptyDir":{}}]})");
}

void write_kib(const std::string& path, size_t kib) {
  ASSERT_TRUE(os::make_dirs(path.substr(0, path.rfind('/')), 0755));
  ASSERT_TRUE(os::write_file(path, std::string(kib * 1024, 'x'), 0644));
}

TEST(PodDisk, ThePodsOwnVolumesAreLookedAt) {
  ObjectPtr pod = pod_with_volumes();
  PodDiskPlan plan = pod_disk_plan(core_v1::Pod(*pod), "/pods/u", "/logs");
  EXPECT_EQ(plan.log_folder, "/logs/default_p_u");
  ASSERT_EQ(plan.volumes.size(), 5u);
  EXPECT_EQ(plan.volumes[0].path, "/pods/u/volumes/kubernetes.io~empty-dir/scratch");
  EXPECT_EQ(plan.volumes[2].path, "/pods/u/volumes/kubernetes.io~configmap/settings");
  std::vector<bool> local;
  for (const PodDiskPlan::Volume& volume : plan.volumes) local.push_back(volume.local);
  EXPECT_EQ(local, (std::vector<bool>{true, false, true, false, true}));
}

class PodDiskTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/tiphys-disk-XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string folder_;
};

TEST_F(PodDiskTest, EverythingIsMeasuredAndLocalThingsAddUp) {
  ObjectPtr object = pod_with_volumes();
  PodDiskPlan plan = pod_disk_plan(core_v1::Pod(*object), folder_ + "/pod", folder_ + "/logs");
  write_kib(plan.volumes[0].path + "/deep/file", 64);
  write_kib(plan.volumes[1].path + "/file", 256);  // stands for memory
  write_kib(plan.log_folder + "/c/0.log", 32);
  write_kib(plan.hosts_file, 4);
  PodDisk disk = measure_pod_disk(plan, kNow);
  ASSERT_EQ(disk.volumes.size(), 2u) << "the others aren't there";
  EXPECT_EQ(disk.volumes[0].name, "scratch");
  EXPECT_GE(disk.volumes[0].fs.used, 64 << 10);
  EXPECT_LT(disk.volumes[0].fs.used, 128 << 10);
  EXPECT_EQ(disk.volumes[0].fs.inodes_used, 3);
  EXPECT_GT(disk.volumes[0].fs.capacity, disk.volumes[0].fs.available);
  EXPECT_GE(disk.volumes[1].fs.used, 256 << 10);
  EXPECT_GE(disk.logs.at("c").used, 32 << 10);
  EXPECT_GE(disk.other.used, 100 << 10);
  EXPECT_LT(disk.other.used, 200 << 10) << "what is in memory isn't on the disk";
  EXPECT_EQ(disk.other.time, kNow);
}

TEST(PodDisk, WritableLayersArePartOfThePodsStorage) {
  PodDisk disk;
  disk.logs["c"] = FsUsage{.time = 7, .used = 30, .inodes_used = 2};
  disk.other = FsUsage{.time = 7, .used = 50, .inodes_used = 4};
  PodUsage pod;
  pod.containers.push_back(
      {.name = "c", .rootfs = FsUsage{.time = 6, .used = 5, .inodes_used = 1}});
  pod.containers.push_back({.name = "d"});
  fill_pod_disk(pod, disk, kNode);
  ASSERT_TRUE(pod.ephemeral_storage && pod.containers[0].logs);
  EXPECT_EQ(pod.ephemeral_storage->used, 55);
  EXPECT_EQ(pod.ephemeral_storage->inodes_used, 5);
  EXPECT_EQ(pod.ephemeral_storage->capacity, 100);
  EXPECT_EQ(pod.ephemeral_storage->time, 7);
  EXPECT_EQ(pod.containers[0].logs->used, 30);
  EXPECT_EQ(pod.containers[0].logs->available, 10);
  EXPECT_FALSE(pod.containers[1].logs);
}

}  // namespace
}  // namespace tiphys::kubelet
