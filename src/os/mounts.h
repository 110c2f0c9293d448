// Mounts: tmpfs and bind mounts, and what is mounted below a folder. Thread-safe (no state); they
// may block: use the pool from a loop. Errors: ApiStatus::os_error("mount <path>", errno).
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tiphys::os {

// One line of /proc/self/mountinfo (proc(5)), with its octal escapes undone.
struct MountEntry {
  std::string mount_point;
  std::string fs_type;
  std::string source;
  std::string super_options;
};
std::vector<MountEntry> parse_mountinfo(std::string_view text);
Result<std::vector<MountEntry>> list_mounts();

bool is_mount_point(const std::string& path);
// size_bytes 0: the kernel's default (half of memory).
Result<void> mount_tmpfs(const std::string& path, int64_t size_bytes, int mode);
// Error "No such device": the kernel has no hugetlbfs; "Invalid argument": not that page size.
Result<void> mount_huge_pages(const std::string& path, int64_t page_bytes);
Result<void> mount_bind(const std::string& from, const std::string& path, bool read_only);
// Makes the folder a mount point that is shared with mount namespaces made later, as ip-netns(8)
// does with /run/netns, under the same lock (flock of the folder). Already one: nothing happens.
Result<void> make_shared_mount(const std::string& path);
// Detaches lazily, so that a busy mount never blocks. Not a mount point: fine.
Result<void> unmount(const std::string& path);
// Unmounts everything mounted at or below a folder, deepest first.
Result<void> unmount_below(const std::string& folder);

}  // namespace tiphys::os
