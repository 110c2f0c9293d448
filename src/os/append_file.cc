#include "os/append_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace tiphys::os {
namespace {

ApiStatus failed(std::string_view verb, const std::string& path) {
  return ApiStatus::os_error(std::string(verb) + " " + path, errno);
}

}  // namespace

Result<AppendFile> AppendFile::open(const std::string& path, int mode) {
  int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
  Fd fd(::open(path.c_str(), flags, static_cast<mode_t>(mode)));
  if (!fd.valid()) return failed("open", path);
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return failed("stat", path);
  return AppendFile(std::move(fd), path, info.st_size);
}

Result<AppendFile> AppendFile::standard_output() {
  Fd fd(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
  if (!fd.valid()) return failed("dup", "standard output");
  return AppendFile(std::move(fd), "standard output", 0);
}

Result<void> AppendFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::write(fd_.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("write", path_);
    bytes.remove_prefix(static_cast<size_t>(n));
    size_ += n;
  }
  return {};
}

Result<int> file_mode(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return failed("stat", path);
  return static_cast<int>(info.st_mode & 07777);
}

Result<std::string> read_part(const std::string& path, int64_t offset, size_t max_bytes) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return failed("open", path);
  std::string bytes(max_bytes, '\0');
  ssize_t n = 0;
  do {
    n = ::pread(fd.get(), bytes.data(), bytes.size(), offset);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return failed("read", path);
  bytes.resize(static_cast<size_t>(n));
  return bytes;
}

}  // namespace tiphys::os
