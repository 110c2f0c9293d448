// Folders of logs that a pod with a hostPath swaps for links, while the kubelet works in them.
#include "kubelet/logs/log_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "kubelet/logs/rotation.h"
#include "kubelet/pods/termination_message.h"
#include "kubelet/server/log_reader.h"

namespace tiphys::kubelet {
namespace {

constexpr const char* kOwn = "2026-01-01T00:00:01Z stdout F own\n";
constexpr const char* kSecret = "2026-01-01T00:00:01Z stdout F secret\n";

class LogFileTest : public testing::Test {
 protected:
  LogFileTest() {
    char name[] = "/tmp/tiphys-logs-XXXXXX";
    root_ = ::mkdtemp(name);
    EXPECT_TRUE(os::make_dirs(root_ + "/pods/a_b_uid/c"));
    EXPECT_TRUE(os::make_dirs(root_ + "/host/c"));
    log_ = root_ + "/pods/a_b_uid/c/0.log";
    EXPECT_TRUE(os::write_file(log_, kOwn));
    for (const char* file : {"0.log", "0.log.20260101-000000", "0.log.old"}) {
      EXPECT_TRUE(os::write_file(root_ + "/host/c/" + file, kSecret));
    }
  }
  ~LogFileTest() override { EXPECT_TRUE(os::remove_tree(root_)); }

  // Calls step(i) while the folder and a link to the host's change places.
  template <class F>
  void while_swapped(const std::string& folder, const std::string& target, F step) {
    std::string link = folder + ".link";
    ASSERT_TRUE(os::make_symlink(target, link));
    std::atomic<bool> stop = false;
    std::thread swaps([&] {
      while (!stop) {
        ::renameat2(AT_FDCWD, folder.c_str(), AT_FDCWD, link.c_str(), RENAME_EXCHANGE);
      }
    });
    for (int i = 0; i < 3000; ++i) step(i);
    stop = true;
    swaps.join();
    EXPECT_EQ(*os::list_dir(root_ + "/host/c"),
              (std::vector<std::string>{"0.log", "0.log.20260101-000000", "0.log.old"}));
    EXPECT_EQ(*os::read_file(root_ + "/host/c/0.log"), kSecret);
  }

  int own = 0;
  int refused = 0;
  std::string root_;
  std::string log_;
  void read_once() {
    Result<LogReader> reader = LogReader::open(log_, {});
    if (!reader) {
      ++refused;
      return;
    }
    Result<std::string> text = reader->read();
    ASSERT_TRUE(text);
    ASSERT_EQ(*text, "own\n");
    ++own;
  }
};

TEST_F(LogFileTest, LinksAreNotFollowed) {
  EXPECT_TRUE(find_log_file(log_));
  ASSERT_TRUE(os::make_symlink("../host", root_ + "/pods/linked"));
  ASSERT_TRUE(os::make_symlink("../../host/c", root_ + "/pods/a_b_uid/linked"));
  ASSERT_TRUE(os::make_symlink("../../../host/c/0.log", root_ + "/pods/a_b_uid/c/1.log"));
  for (const char* path : {"/linked/c/0.log", "/a_b_uid/linked/0.log", "/a_b_uid/c/1.log"}) {
    Result<LogReader> reader = LogReader::open(root_ + "/pods" + path, {});
    ASSERT_FALSE(reader) << path;
    EXPECT_NE(reader.error().message().find("failed to try resolving symlinks in path"),
              std::string::npos);
    EXPECT_EQ(read_termination_message("", root_ + "/pods" + path), "") << path;
  }
  EXPECT_EQ(log_bytes(root_ + "/pods/linked/c/0.log"), -1);
  EXPECT_FALSE(rotate_log(root_ + "/pods/a_b_uid/linked/0.log", 3, kMicrosPerSecond));
  // The root is the administrator's: it may be reached by a link.
  ASSERT_TRUE(os::make_symlink("pods", root_ + "/by-link"));
  EXPECT_TRUE(LogReader::open(root_ + "/by-link/a_b_uid/c/0.log", {}));
}

TEST_F(LogFileTest, ASwappedPodFolderIsNeverReadThrough) {
  while_swapped(root_ + "/pods/a_b_uid", "../host", [this](int) { read_once(); });
  EXPECT_GT(own, 0);
  EXPECT_GT(refused, 0) << "the race was never met";
}

TEST_F(LogFileTest, ASwappedContainerFolderIsNeverReadThrough) {
  while_swapped(root_ + "/pods/a_b_uid/c", "../../host/c", [this](int) { read_once(); });
  EXPECT_GT(own, 0);
  EXPECT_GT(refused, 0) << "the race was never met";
}

TEST_F(LogFileTest, ASwappedFolderIsNeverRotatedOrEmptied) {
  int done = 0;
  while_swapped(root_ + "/pods/a_b_uid", "../host", [&](int i) {
    MicroTime now = (1'700'000'000 + i) * kMicrosPerSecond;
    if (rotate_log(log_, 3, now)) ++done;
    if (i % 3 == 0) remove_logs(log_);
    Result<LogFile> own = find_log_file(log_);
    if (!own) return;
    (void)own->folder.open_file("0.log", O_WRONLY | O_CREAT, 0600);
  });
  EXPECT_GT(done, 0);
}

TEST_F(LogFileTest, ARotationThatIsUndoneTakesNobodysPlace) {
  Result<std::string> rotated = rotate_log(log_, 3, kMicrosPerSecond);
  ASSERT_TRUE(rotated);
  EXPECT_EQ(log_bytes(log_), -1);
  undo_rotation(*rotated, log_);
  EXPECT_EQ(*os::read_file(log_), kOwn);
  rotated = rotate_log(log_, 3, 2 * kMicrosPerSecond);
  ASSERT_TRUE(rotated);
  ASSERT_TRUE(os::write_file(log_, kSecret));
  undo_rotation(*rotated, log_);
  EXPECT_EQ(*os::read_file(log_), kSecret);
}

TEST_F(LogFileTest, PipesBlockNobody) {
  ASSERT_EQ(::unlink(log_.c_str()), 0);
  ASSERT_EQ(::mkfifo(log_.c_str(), 0600), 0);
  Result<LogReader> reader = LogReader::open(log_, {});
  ASSERT_FALSE(reader);
  EXPECT_NE(reader.error().message().find("is no regular file"), std::string::npos);
  EXPECT_FALSE(compress_log(log_));
}

}  // namespace
}  // namespace tiphys::kubelet
