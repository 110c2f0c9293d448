#include "storage/embedded/directory_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "base/strings.h"

namespace tiphys::storage::embedded {

namespace {

std::string owner_of(int file) {
  char buffer[32];
  ssize_t length = ::pread(file, buffer, sizeof buffer, 0);
  if (length <= 0) return "another process";
  return "process " + std::string(trim({buffer, static_cast<size_t>(length)}));
}

}  // namespace

Result<DirectoryLock> DirectoryLock::take(const std::string& directory) {
  std::string path = directory + "/lock";
  os::Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file.valid()) return ApiStatus::os_error("open " + path, errno);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return ApiStatus::os_error("lock " + path, errno);
    return ApiStatus::internal(directory + " is in use by " + owner_of(file.get()));
  }
  std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(file.get(), 0) != 0 ||
      ::pwrite(file.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    // Only the message for others needs it: a full disk must not keep the store closed.
  }
  return DirectoryLock(std::move(file));
}

}  // namespace tiphys::storage::embedded
