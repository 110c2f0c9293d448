#include "os/inotify.h"

#include <gtest/gtest.h>
#include <poll.h>

namespace tiphys::os {
namespace {

bool readable(const Inotify& watch) {
  pollfd one{watch.fd(), POLLIN, 0};
  return ::poll(&one, 1, 0) == 1;
}

TEST(Inotify, TellsOfChangesInAFolder) {
  std::string folder = ::testing::TempDir() + "tiphys-inotify";
  ASSERT_TRUE(remove_tree(folder) && make_dirs(folder));
  Result<Inotify> watch = Inotify::open(folder);
  ASSERT_TRUE(watch);
  EXPECT_FALSE(readable(*watch));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(i < 2 ? write_file(folder + "/a", "x") : remove_file(folder + "/a"));
    EXPECT_TRUE(readable(*watch));
    EXPECT_TRUE(watch->drain());
    EXPECT_FALSE(readable(*watch));
  }
  ASSERT_TRUE(remove_tree(folder));
  EXPECT_FALSE(watch->drain()) << "it is gone itself";
  EXPECT_FALSE(Inotify::open(folder));
}

}  // namespace
}  // namespace tiphys::os
