#include "os/mounts.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/strings.h"
#include "os/files.h"

namespace tiphys::os {
namespace {

std::string unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    bool octal = text[i] == '\\' && i + 3 < text.size();
    for (size_t k = 1; octal && k <= 3; ++k) octal = text[i + k] >= '0' && text[i + k] <= '7';
    if (!octal) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(((text[i + 1] - '0') << 6) | ((text[i + 2] - '0') << 3) |
                             (text[i + 3] - '0'));
    i += 3;
  }
  return out;
}

}  // namespace

std::vector<MountEntry> parse_mountinfo(std::string_view text) {
  std::vector<MountEntry> out;
  for (std::string_view line : split(text, '\n')) {
    size_t dash = line.find(" - ");
    if (dash == std::string_view::npos) continue;
    std::vector<std::string_view> left = split(line.substr(0, dash), ' ');
    std::vector<std::string_view> right = split(line.substr(dash + 3), ' ');
    if (left.size() < 6 || right.size() < 2) continue;
    out.push_back({unescape(left[4]), std::string(right[0]), unescape(right[1]),
                   right.size() > 2 ? std::string(right[2]) : std::string()});
  }
  return out;
}

Result<std::vector<MountEntry>> list_mounts() {
  TIPHYS_TRY(std::string, text, read_file("/proc/self/mountinfo"));
  return parse_mountinfo(text);
}

bool is_mount_point(const std::string& path) {
  struct statx info{};
  int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
  if (statx(AT_FDCWD, path.c_str(), flags, 0, &info) != 0) return false;
  if (info.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) {
    return (info.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
  }
  Result<std::vector<MountEntry>> mounts = list_mounts();
  if (!mounts) return false;
  return std::any_of(mounts->begin(), mounts->end(),
                     [&](const MountEntry& m) { return m.mount_point == path; });
}

Result<void> mount_tmpfs(const std::string& path, int64_t size_bytes, int mode) {
  char octal[16];
  std::snprintf(octal, sizeof octal, "mode=%04o", static_cast<unsigned>(mode));
  std::string data = octal;
  if (size_bytes > 0) data += ",size=" + std::to_string(size_bytes);
  if (mount("tmpfs", path.c_str(), "tmpfs", 0, data.c_str()) != 0) {
    return ApiStatus::os_error("mount " + path, errno);
  }
  return {};
}

Result<void> mount_huge_pages(const std::string& path, int64_t page_bytes) {
  std::string data = "pagesize=" + std::to_string(page_bytes);
  if (mount("nodev", path.c_str(), "hugetlbfs", 0, data.c_str()) != 0) {
    return ApiStatus::os_error("mount hugetlbfs " + path, errno);
  }
  return {};
}

Result<void> mount_bind(const std::string& from, const std::string& path, bool read_only) {
  if (mount(from.c_str(), path.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) {
    return ApiStatus::os_error("mount " + path, errno);
  }
  if (read_only &&
      mount(nullptr, path.c_str(), nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) != 0) {
    return ApiStatus::os_error("mount read-only " + path, errno);
  }
  return {};
}

Result<void> make_shared_mount(const std::string& path) {
  Fd folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid()) return ApiStatus::os_error("open " + path, errno);
  if (flock(folder.get(), LOCK_EX) != 0) return ApiStatus::os_error("lock " + path, errno);
  auto share = [&] { return mount("", path.c_str(), "none", MS_SHARED | MS_REC, nullptr) == 0; };
  if (share()) return {};
  // EINVAL: not a mount point yet.
  if (errno != EINVAL) return ApiStatus::os_error("share mount " + path, errno);
  Result<void> bound = mount_bind(path, path, false);
  if (!bound) return bound;
  if (!share()) return ApiStatus::os_error("share mount " + path, errno);
  return {};
}

Result<void> unmount(const std::string& path) {
  if (umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0 && errno != EINVAL &&
      errno != ENOENT) {
    return ApiStatus::os_error("unmount " + path, errno);
  }
  return {};
}

Result<void> unmount_below(const std::string& folder) {
  TIPHYS_TRY(std::vector<MountEntry>, mounts, list_mounts());
  std::string prefix = folder.ends_with('/') ? folder : folder + "/";
  Result<void> result;
  // mountinfo lists parents before what is mounted on them.
  for (auto entry = mounts.rbegin(); entry != mounts.rend(); ++entry) {
    if (entry->mount_point != folder && !entry->mount_point.starts_with(prefix)) continue;
    Result<void> one = unmount(entry->mount_point);
    if (!one && result) result = one.error();
  }
  return result;
}

}  // namespace tiphys::os
