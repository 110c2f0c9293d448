#include "os/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/process.h"

namespace tiphys::os {
namespace {

class FilesTest : public testing::Test {
 protected:
  FilesTest() {
    char name[] = "/tmp/tiphys-files-XXXXXX";
    root_ = mkdtemp(name);
  }
  ~FilesTest() override { EXPECT_TRUE(remove_tree(root_)); }
  std::string at(const std::string& name) const { return root_ + "/" + name; }
  std::string root_;
};

TEST_F(FilesTest, WritesAndReadsBack) {
  ASSERT_TRUE(write_file_atomic(at("a"), "one", 0600));
  ASSERT_TRUE(write_file_atomic(at("a"), std::string(300'000, 'x'), 0600));
  EXPECT_EQ(read_file(at("a")).value(), std::string(300'000, 'x'));
  struct stat info{};
  ASSERT_EQ(stat(at("a").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(list_dir(root_).value(), std::vector<std::string>{"a"}) << "no temporary left";
  ASSERT_TRUE(write_file(at("b"), ""));
  EXPECT_EQ(read_file(at("b")).value(), "");
}

TEST_F(FilesTest, ErrorsNameThePath) {
  auto missing = read_file(at("none"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message(), "open " + at("none") + ": No such file or directory");
  ASSERT_TRUE(write_file(at("big"), "12345"));
  EXPECT_TRUE(read_file(at("big"), 5));
  EXPECT_FALSE(read_file(at("big"), 4));
  EXPECT_FALSE(write_file_atomic(at("no/such"), "x"));
}

TEST_F(FilesTest, ReadsFilesWithoutSize) {
  EXPECT_FALSE(read_file("/proc/self/status").value().empty());
}

TEST_F(FilesTest, MakesFolders) {
  ASSERT_TRUE(make_dirs(at("x/y/z")));
  ASSERT_TRUE(make_dirs(at("x/y/z/")));
  EXPECT_TRUE(is_directory(at("x/y/z")));
  ASSERT_TRUE(write_file(at("f"), ""));
  EXPECT_FALSE(make_dirs(at("f/g")));
  EXPECT_FALSE(make_dirs(at("f")));
}

TEST_F(FilesTest, LinksAndRenames) {
  ASSERT_TRUE(make_symlink("target", at("link")));
  EXPECT_EQ(read_link(at("link")).value(), "target");
  ASSERT_TRUE(rename_path(at("link"), at("other")));
  EXPECT_FALSE(read_link(at("link")));
  EXPECT_TRUE(remove_file(at("other")));
  EXPECT_TRUE(remove_file(at("other")));
}

TEST_F(FilesTest, RemoveTreeDoesNotFollowLinks) {
  ASSERT_TRUE(make_dirs(at("keep")));
  ASSERT_TRUE(write_file(at("keep/file"), "x"));
  ASSERT_TRUE(make_dirs(at("tree/sub")));
  ASSERT_TRUE(make_symlink(at("keep"), at("tree/sub/link")));
  ASSERT_TRUE(make_symlink(at("keep"), at("top")));
  ASSERT_TRUE(remove_tree(at("tree")));
  ASSERT_TRUE(remove_tree(at("top"))) << "a link is removed, not what it points to";
  EXPECT_FALSE(exists(at("tree")));
  EXPECT_TRUE(exists(at("keep/file")));
  EXPECT_TRUE(remove_tree(at("absent/too")));
  EXPECT_FALSE(remove_tree("/"));
  EXPECT_FALSE(remove_tree(at("keep/..")));
}

TEST_F(FilesTest, RemoveTreeTakesAnyDepth) {
  ASSERT_TRUE(make_dirs(at("deep")));
  Fd dir(open(at("deep").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int i = 0; i < 3000; ++i) {
    ASSERT_EQ(mkdirat(dir.get(), ".removing-1", 0755), 0);
    Fd file(openat(dir.get(), "f", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    dir.reset(openat(dir.get(), ".removing-1", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  auto removed = remove_tree(at("deep"));
  EXPECT_TRUE(removed) << removed.error().message();
  EXPECT_FALSE(exists(at("deep")));
}

// In a mount namespace of its own, in a child.
int remove_around_mount(const std::string& tree, const std::string& kept) {
  if (unshare(CLONE_NEWNS) != 0) return 77;
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return 77;
  if (mount(kept.c_str(), (tree + "/mnt").c_str(), nullptr, MS_BIND, nullptr) != 0) return 77;
  if (remove_tree(tree)) return 1;
  if (!exists(kept + "/file")) return 2;
  return exists(tree + "/other") ? 3 : 0;
}

// What a privileged container may leave (chattr +i, +a).
TEST_F(FilesTest, RemoveTreeTakesFilesThatMayNotChange) {
  std::string tree = root_ + "/fixed";
  ASSERT_TRUE(make_dirs(tree + "/folder"));
  ASSERT_TRUE(write_file(tree + "/folder/file", "x"));
  ASSERT_TRUE(write_file(tree + "/log", "x"));
  Result<CommandResult> set =
      run_command({"chattr", "+i", tree + "/folder/file", tree + "/folder"});
  if (!set || set->status != 0) GTEST_SKIP() << "no chattr here";
  ASSERT_EQ(run_command({"chattr", "+a", tree + "/log"})->status, 0);
  EXPECT_TRUE(remove_tree(tree));
  EXPECT_FALSE(exists(tree));
}

TEST_F(FilesTest, RemoveTreeStopsAtMounts) {
  ASSERT_TRUE(make_dirs(at("keep")));
  ASSERT_TRUE(write_file(at("keep/file"), "x"));
  ASSERT_TRUE(make_dirs(at("tree/mnt")));
  ASSERT_TRUE(write_file(at("tree/other"), "x"));
  pid_t child = fork();
  if (child == 0) _exit(remove_around_mount(at("tree"), at("keep")));
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "may not mount here";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace tiphys::os
