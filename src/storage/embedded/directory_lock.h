// DirectoryLock: at most one process (and one store in it) uses a directory. The lock goes with the
// process, however it ends.
#pragma once
#include <string>

#include "os/files.h"

namespace tiphys::storage::embedded {

class DirectoryLock {
 public:
  // Error: "<directory> is in use by process N".
  static Result<DirectoryLock> take(const std::string& directory);

 private:
  explicit DirectoryLock(os::Fd file) : file_(std::move(file)) {}
  os::Fd file_;
};

}  // namespace tiphys::storage::embedded
