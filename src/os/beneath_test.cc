#include "os/beneath.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace tiphys::os {
namespace {

constexpr int kTries = 10'000;

class BeneathTest : public testing::Test {
 protected:
  BeneathTest() {
    char name[] = "/tmp/tiphys-beneath-XXXXXX";
    root_ = mkdtemp(name);
    volume_ = root_ + "/volume";
    EXPECT_TRUE(make_dirs(volume_ + "/real/sub"));
    EXPECT_TRUE(make_dirs(root_ + "/host/sub"));
  }
  ~BeneathTest() override { EXPECT_TRUE(remove_tree(root_)); }
  static ino_t inode(const Fd& fd) {
    struct stat info{};
    return fstat(fd.get(), &info) == 0 ? info.st_ino : 0;
  }
  ino_t inode(const std::string& path) const {
    struct stat info{};
    return stat((root_ + path).c_str(), &info) == 0 ? info.st_ino : 0;
  }
  std::string root_;
  std::string volume_;
};

TEST_F(BeneathTest, LinksInsideAreFollowedAndOthersRefused) {
  ASSERT_TRUE(make_symlink("real", volume_ + "/inside"));
  ASSERT_TRUE(make_symlink("../host", volume_ + "/outside"));
  ASSERT_TRUE(make_symlink(root_ + "/host", volume_ + "/absolute"));
  ASSERT_TRUE(make_symlink("/proc/self/root", volume_ + "/magic"));
  Result<Fd> inside = open_beneath(volume_, "inside/sub", std::nullopt);
  ASSERT_TRUE(inside);
  EXPECT_EQ(inode(*inside), inode("/volume/real/sub"));
  // As upstream, which resolves it on the host before it looks where it leads.
  ASSERT_TRUE(make_symlink(volume_ + "/real", volume_ + "/current"));
  Result<Fd> current = open_beneath(volume_, "current/sub", std::nullopt);
  ASSERT_TRUE(current);
  EXPECT_EQ(inode(*current), inode("/volume/real/sub"));
  for (const char* path : {"outside/sub", "absolute/sub", "magic", "../host", "outside/new"}) {
    EXPECT_FALSE(open_beneath(volume_, path, 0750)) << path;
  }
  EXPECT_FALSE(exists(root_ + "/host/new"));
  EXPECT_TRUE(open_beneath(volume_, "new/folder", 0750));
}

TEST_F(BeneathTest, inside_a_folder_links_of_any_kind_may_lead_about_but_not_out) {
  ASSERT_TRUE(write_file(volume_ + "/real/file", "text"));
  ASSERT_TRUE(make_symlink("../file", volume_ + "/real/sub/relative"));
  ASSERT_TRUE(make_symlink(volume_ + "/real", volume_ + "/absolute"));
  ASSERT_TRUE(make_symlink(root_ + "/host", volume_ + "/outside"));
  ASSERT_TRUE(make_symlink("/proc/self/root/etc", volume_ + "/magic"));
  ASSERT_TRUE(make_dirs(root_ + "/volume2"));
  for (const char* path : {"real/file", "absolute/file", "real/sub/relative"}) {
    Result<Fd> found = open_inside(volume_, path);
    ASSERT_TRUE(found) << path;
    EXPECT_EQ(inode(*found), inode("/volume/real/file")) << path;
  }
  EXPECT_EQ(inode(*open_inside(volume_, "")), inode("/volume"));
  for (const char* path : {"outside", "outside/sub", "../host", "../volume2", "magic/passwd",
                           "real/file/x", "nothing", "/etc/passwd"}) {
    Result<Fd> found = open_inside(volume_, path);
    ASSERT_FALSE(found) << path;
    EXPECT_TRUE(found.error().is_not_found()) << path;
  }
  char text[8] = {};
  Result<Fd> read = reopen_for_reading(*open_inside(volume_, "absolute/file"));
  ASSERT_TRUE(read);
  EXPECT_EQ(::read(read->get(), text, sizeof text), 4);
}

// An absolute link to the inside, whose target becomes a link to the host.
TEST_F(BeneathTest, cve_2021_25741_what_an_absolute_link_leads_to_is_no_link) {
  std::string a = volume_ + "/real";
  std::string b = volume_ + "/other";
  ASSERT_TRUE(make_symlink(root_ + "/host", b));
  ASSERT_TRUE(make_symlink(a, volume_ + "/current"));
  std::atomic<bool> stop = false;
  std::thread swaps([&] {
    while (!stop) renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE);
  });
  int opened = 0;
  int refused = 0;
  for (int i = 0; i < kTries; ++i) {
    Result<Fd> found = open_beneath(volume_, "current/sub", std::nullopt);
    ++(found ? opened : refused);
    if (found) EXPECT_NE(inode(*found), inode("/host/sub"));
  }
  stop = true;
  swaps.join();
  EXPECT_GT(opened, 0);
  EXPECT_GT(refused, 0) << "the race was never met";
}

// The pod swaps a folder of its volume for a link to the host, over and over, while we open below.
TEST_F(BeneathTest, cve_2017_1002101_and_2021_25741_a_swapped_link_never_leads_out) {
  std::string a = volume_ + "/swapped";
  std::string b = volume_ + "/other";
  ASSERT_TRUE(make_dirs(a + "/sub"));
  ASSERT_TRUE(make_symlink("../host", b));
  std::atomic<bool> stop = false;
  std::thread swaps([&] {
    while (!stop) renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE);
  });
  int opened = 0;
  int refused = 0;
  for (int i = 0; i < kTries; ++i) {
    bool create = i % 2 == 0;
    Result<Fd> found = open_beneath(volume_, create ? "swapped/made" : "swapped/sub",
                                    create ? std::optional<int>(0750) : std::nullopt);
    ++(found ? opened : refused);
    if (!found) continue;
    EXPECT_NE(inode(*found), inode("/host/sub"));
  }
  stop = true;
  swaps.join();
  EXPECT_GT(opened, 0);
  EXPECT_GT(refused, 0) << "the race was never met";
  EXPECT_EQ(list_dir(root_ + "/host").value(), std::vector<std::string>{"sub"});
}

}  // namespace
}  // namespace tiphys::os
