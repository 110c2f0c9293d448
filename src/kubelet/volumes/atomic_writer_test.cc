#include "kubelet/volumes/atomic_writer.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "os/files.h"

namespace tiphys::kubelet {
namespace {

class AtomicWriter : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/atomic_writer_XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  void TearDown() override { (void)os::remove_tree(folder_); }
  bool write(const Payload& payload, MicroTime now) {
    Result<bool> changed = write_payload({folder_, -1, {}}, payload, now);
    EXPECT_TRUE(changed) << changed.error().message();
    return changed && *changed;
  }
  std::string read(const std::string& name) {
    Result<std::string> text = os::read_file(folder_ + "/" + name);
    return text ? *text : "(absent)";
  }
  std::string folder_;
};

TEST_F(AtomicWriter, WritesLinksAndUpdates) {
  EXPECT_TRUE(write({{"a", {"1", 0644}}, {"d/b", {"2", 0600}}}, 1));
  EXPECT_EQ(read("a"), "1");
  EXPECT_EQ(read("d/b"), "2");
  EXPECT_EQ(*os::read_link(folder_ + "/a"), "..data/a");
  EXPECT_FALSE(write({{"a", {"1", 0644}}, {"d/b", {"2", 0600}}}, 2)) << "nothing new";
  std::string before = *os::read_link(folder_ + "/..data");
  EXPECT_TRUE(write({{"a", {"3", 0644}}}, 3));
  EXPECT_NE(*os::read_link(folder_ + "/..data"), before);
  EXPECT_EQ(read("a"), "3");
  EXPECT_EQ(read("d/b"), "(absent)");
  EXPECT_EQ(os::list_dir(folder_)->size(), 3u) << "..data, one stamped folder, a";
}

TEST_F(AtomicWriter, RepairsWhatACrashLeft) {
  EXPECT_TRUE(write({{"a", {"1", 0644}}}, 1));
  ASSERT_TRUE(os::make_dirs(folder_ + "/..half"));
  ASSERT_TRUE(os::make_symlink("nowhere", folder_ + "/..data_tmp"));
  ASSERT_TRUE(os::remove_file(folder_ + "/a"));
  EXPECT_FALSE(write({{"a", {"1", 0644}}}, 2));
  EXPECT_EQ(read("a"), "1");
  EXPECT_TRUE(write({{"a", {"2", 0644}}}, 3));
  EXPECT_FALSE(os::exists(folder_ + "/..half"));
}

// What a pod could do to the folder of its secret: the update repairs it and deletes nothing of the
// host's.
TEST_F(AtomicWriter, cve_2017_1002102_links_out_of_the_volume_are_not_followed) {
  char name[] = "/tmp/atomic_writer_host_XXXXXX";
  std::string host = ::mkdtemp(name);
  ASSERT_TRUE(os::make_dirs(host + "/a"));
  ASSERT_TRUE(os::write_file(host + "/a/keep", "host"));
  ASSERT_TRUE(os::write_file(host + "/keep", "host"));
  EXPECT_TRUE(write({{"a", {"1", 0644}}}, 1));
  for (const char* link : {"a", "..data", "extra", "..2000_01_01_00_00_00.000000"}) {
    ASSERT_TRUE(os::remove_tree(folder_ + "/" + link));
    ASSERT_TRUE(os::make_symlink(host, folder_ + "/" + link));
  }
  EXPECT_TRUE(write({{"a", {"2", 0644}}}, 2));
  EXPECT_EQ(read("a"), "2");
  EXPECT_EQ(os::list_dir(folder_)->size(), 3u) << "what was not ours is gone";
  EXPECT_EQ(os::list_dir(host)->size(), 2u);
  EXPECT_EQ(os::read_file(host + "/a/keep").value(), "host");
  EXPECT_EQ(os::read_file(host + "/keep").value(), "host");
  ASSERT_TRUE(os::remove_tree(host));
}

TEST_F(AtomicWriter, AGroupGetsWhatItNeedsToRead) {
  auto mode = [this](const std::string& name) {
    struct stat info{};
    EXPECT_EQ(::stat((folder_ + "/" + name).c_str(), &info), 0) << name;
    EXPECT_EQ(info.st_gid, 7u) << name;
    return info.st_mode & 07777;
  };
  Payload payload = {{"a", {"1", 0400, 5}}, {"d/e/b", {"2", 0644}}};
  ASSERT_TRUE(write_payload({folder_, 7, {}}, payload, 1).value());
  EXPECT_EQ(mode("a"), 0440u);
  EXPECT_EQ(mode("d/e/b"), 0644u);
  EXPECT_EQ(mode("d/e"), 02755u);
  EXPECT_EQ(mode("..data"), 02755u);
  struct stat info{};
  ASSERT_EQ(::stat((folder_ + "/a").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, 5u);
  EXPECT_FALSE(write_payload({folder_, 7, {}}, payload, 2).value());
}

TEST_F(AtomicWriter, MountPointsOfNestedVolumesStay) {
  ASSERT_TRUE(os::make_dirs(folder_ + "/nested/deep"));
  ASSERT_TRUE(write_payload({folder_, -1, {"nested"}}, {{"a", {"1", 0644}}}, 1).value());
  ASSERT_TRUE(write_payload({folder_, -1, {"nested"}}, {{"a", {"2", 0644}}}, 2).value());
  EXPECT_TRUE(os::is_directory(folder_ + "/nested/deep"));
}

TEST(PayloadPath, HostileNamesAreRefused) {
  for (const char* bad : {"", "/a", "..", "../a", "a/../b", "..data", "a//b", "./a", "a/."}) {
    EXPECT_FALSE(check_payload_path(bad)) << bad;
  }
  EXPECT_FALSE(check_payload_path(std::string(5000, 'a')));
  EXPECT_FALSE(check_payload_path(std::string_view("a\0b", 3)));
  EXPECT_TRUE(check_payload_path("a/b..c/...d"));
}

}  // namespace
}  // namespace tiphys::kubelet
