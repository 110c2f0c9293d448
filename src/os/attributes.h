// Owners, modes and facts of files. Thread-safe (no state). Errors: ApiStatus::os_error.
#pragma once
#include <cstdint>
#include <string>

#include "base/result.h"

namespace tiphys::os {

// Whatever the umask.
Result<void> change_mode(const std::string& path, int mode);
Result<void> change_group(const std::string& path, int64_t gid);
// -1: stays as it is. Of a symbolic link itself, not of what it points to.
Result<void> change_owner_of_link(const std::string& path, int64_t uid, int64_t gid);

}  // namespace tiphys::os
