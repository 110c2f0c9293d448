// Owners, modes and facts of files. Thread-safe (no state). Errors: ApiStatus::os_error.
#pragma once
#include <cstdint>
#include <string>

#include "base/result.h"

namespace tiphys::os {

// Whatever the umask.
Result<void> change_mode(const std::string& path, int mode);
Result<void> change_group(const std::string& path, int64_t gid);

}  // namespace tiphys::os
