#include "os/attributes.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace tiphys::os {

Result<void> change_mode(const std::string& path, int mode) {
  if (::chmod(path.c_str(), static_cast<mode_t>(mode)) == 0) return {};
  return ApiStatus::os_error("chmod " + path, errno);
}

Result<void> change_group(const std::string& path, int64_t gid) {
  if (::chown(path.c_str(), static_cast<uid_t>(-1), static_cast<gid_t>(gid)) == 0) return {};
  return ApiStatus::os_error("chown " + path, errno);
}

Result<void> change_owner_of_link(const std::string& path, int64_t uid, int64_t gid) {
  if (::lchown(path.c_str(), static_cast<uid_t>(uid), static_cast<gid_t>(gid)) == 0) return {};
  return ApiStatus::os_error("chown " + path, errno);
}

}  // namespace tiphys::os
