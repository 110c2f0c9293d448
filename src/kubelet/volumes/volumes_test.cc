#include "kubelet/volumes/volumes.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "kubelet/pods/test_objects.h"
#include "os/files.h"

namespace tiphys::kubelet {
namespace {

class VolumesTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/volumes_XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  void TearDown() override { (void)os::remove_tree(folder_); }
  std::string set_up(const std::string& volume) {
    VolumeInput input;
    input.pod = pod_of("{\"containers\":[{\"name\":\"a\"}],\"volumes\":[" + volume + "]}");
    input.pod_folder = folder_ + "/pod";
    auto done = set_up_volumes(input);
    return done ? "" : done.error().message();
  }
  std::string folder_;
};

// No git is run for a pod: neither hooks of a repository nor paths of the host come into play.
TEST_F(VolumesTest, cve_2024_10220_and_2025_1767_git_repositories_are_refused) {
  for (const char* repository : {"https://example.com/a.git", "/etc", "file:///etc", "--help"}) {
    EXPECT_EQ(set_up(std::string("{\"name\":\"v\",\"gitRepo\":{\"directory\":\"x/.git\","
                                 "\"repository\":\"") +
                     repository + "\"}}"),
              "MountVolume.SetUp failed for volume \"v\" : no volume plugin matched");
  }
  EXPECT_TRUE(os::list_dir(folder_ + "/pod/volumes")->empty());
}

// A pod that fills its volume with links into the host: they go, what they point to stays.
TEST_F(VolumesTest, cve_2017_1002102_tearing_down_follows_no_link) {
  ASSERT_EQ(set_up("{\"name\":\"v\",\"emptyDir\":{}}"), "");
  std::string volume = folder_ + "/pod/volumes/kubernetes.io~empty-dir/v";
  ASSERT_TRUE(os::make_dirs(folder_ + "/host/sub"));
  ASSERT_TRUE(os::write_file(folder_ + "/host/sub/file", "x"));
  ASSERT_TRUE(os::make_symlink(folder_ + "/host", volume + "/link"));
  ASSERT_TRUE(os::make_dirs(volume + "/deep"));
  ASSERT_TRUE(os::make_symlink("../../../../../../host/sub", volume + "/deep/up"));
  ASSERT_TRUE(tear_down_pod_folder(folder_ + "/pod"));
  EXPECT_FALSE(os::exists(folder_ + "/pod"));
  EXPECT_TRUE(os::exists(folder_ + "/host/sub/file"));
}

}  // namespace
}  // namespace tiphys::kubelet
