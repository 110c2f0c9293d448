#include "os/mounts.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "os/files.h"

namespace tiphys::os {
namespace {

constexpr int kMayNotMount = 77;

int64_t mounts_at(const std::string& path) {
  Result<std::vector<MountEntry>> mounts = list_mounts();
  if (!mounts) return -1;
  return std::ranges::count(*mounts, path, &MountEntry::mount_point);
}

// In a mount namespace of its own, in a child.
int share_twice(const std::string& folder) {
  if (unshare(CLONE_NEWNS) != 0) return kMayNotMount;
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return kMayNotMount;
  if (!make_shared_mount(folder)) return 1;
  if (!make_shared_mount(folder)) return 2;
  if (mounts_at(folder) != 1) return 3;
  // A namespace that is pinned below it can be taken away again.
  std::string pin = folder + "/pin";
  if (!write_file(pin, "") || !mount_bind("/proc/self/ns/net", pin, false)) return 4;
  if (!make_shared_mount(folder)) return 5;
  if (!unmount(pin)) return 6;
  return ::unlink(pin.c_str()) == 0 ? 0 : 7;
}

TEST(Mounts, a_shared_folder_is_mounted_over_itself_once) {
  char folder[] = "/tmp/tiphys_mounts_XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  pid_t child = fork();
  if (child == 0) _exit(share_twice(folder));
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  (void)remove_tree(folder);
  if (WEXITSTATUS(status) == kMayNotMount) GTEST_SKIP() << "may not mount here";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(Mounts, a_missing_folder_is_an_error) {
  Result<void> shared = make_shared_mount("/tmp/tiphys_no_such_folder");
  ASSERT_FALSE(shared);
  EXPECT_NE(shared.error().message().find("tiphys_no_such_folder"), std::string::npos);
}

}  // namespace
}  // namespace tiphys::os
