#include "os/tree_size.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/files.h"

namespace tiphys::os {
namespace {

class TreeSizeTest : public testing::Test {
 protected:
  TreeSizeTest() {
    char name[] = "/tmp/tiphys-tree-XXXXXX";
    root_ = mkdtemp(name);
    tree_ = root_ + "/tree";
    EXPECT_TRUE(make_dirs(tree_));
  }
  ~TreeSizeTest() override { EXPECT_TRUE(remove_tree(root_)); }
  void write(const std::string& name, size_t bytes) {
    EXPECT_TRUE(write_file(root_ + "/" + name, std::string(bytes, 'x')));
    Fd file(::open((root_ + "/" + name).c_str(), O_RDONLY));
    EXPECT_EQ(::fsync(file.get()), 0);  // blocks are taken when they are written
  }
  std::string root_;
  std::string tree_;
};

TEST_F(TreeSizeTest, LinksAreNotFollowedAndHardLinksCountOnce) {
  write("outside", 1 << 20);
  write("tree/a", 100'000);
  ASSERT_EQ(::link((tree_ + "/a").c_str(), (tree_ + "/b").c_str()), 0);
  ASSERT_TRUE(make_symlink(root_ + "/outside", tree_ + "/link"));
  ASSERT_TRUE(make_symlink("..", tree_ + "/up"));
  Result<TreeSize> size = tree_size(tree_);
  ASSERT_TRUE(size);
  EXPECT_TRUE(size->complete);
  EXPECT_EQ(size->entries, 5);
  EXPECT_GE(size->bytes, 100'000);
  EXPECT_LT(size->bytes, 200'000);
  ASSERT_TRUE(make_symlink("tree", root_ + "/alias"));
  EXPECT_FALSE(tree_size(root_ + "/alias"));
}

TEST_F(TreeSizeTest, DeepAndOddNamesAreMeasured) {
  Fd at(::open(tree_.c_str(), O_RDONLY | O_DIRECTORY));
  for (int depth = 0; depth < 3000; ++depth) {
    ASSERT_EQ(::mkdirat(at.get(), "d\n", 0755), 0);
    at.reset(::openat(at.get(), "d\n", O_RDONLY | O_DIRECTORY));
  }
  Fd file(::openat(at.get(), "deep", O_WRONLY | O_CREAT, 0644));
  ASSERT_EQ(::write(file.get(), "x", 1), 1);
  Result<TreeSize> size = tree_size(tree_);
  ASSERT_TRUE(size);
  EXPECT_EQ(size->entries, 3002);
}

TEST_F(TreeSizeTest, LimitsStopIt) {
  for (int i = 0; i < 50; ++i) write("tree/" + std::to_string(i), 10'000);
  Result<TreeSize> some = tree_size(tree_, {100'000, 1000});
  ASSERT_TRUE(some);
  EXPECT_FALSE(some->complete);
  EXPECT_LT(some->entries, 20);
  Result<TreeSize> few = tree_size(tree_, {INT64_MAX, 10});
  ASSERT_TRUE(few);
  EXPECT_EQ(few->entries, 10);
  EXPECT_FALSE(few->complete);
}

}  // namespace
}  // namespace tiphys::os
