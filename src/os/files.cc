#include "os/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace tiphys::os {

namespace {

constexpr size_t kReadStep = 64 * 1024;

ApiStatus failed(std::string_view verb, const std::string& path, int error = errno) {
  return ApiStatus::os_error(std::string(verb) + " " + path, error);
}

std::string parent_of(const std::string& path) {
  size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<void> write_all(int fd, const std::string& path, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("write", path);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

Result<void> sync_dir(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return failed("open", path);
  if (::fsync(fd.get()) != 0) return failed("fsync", path);
  return {};
}

Result<void> fill_temporary(const Fd& fd, const std::string& name, std::string_view bytes,
                            int mode) {
  if (auto done = write_all(fd.get(), name, bytes); !done) return done;
  if (::fchmod(fd.get(), static_cast<mode_t>(mode)) != 0) return failed("chmod", name);
  if (::fsync(fd.get()) != 0) return failed("fsync", name);
  return {};
}

}  // namespace

void Fd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

namespace {

Result<std::string> read_all(const Fd& fd, const std::string& path, size_t max_bytes) {
  std::string bytes;
  struct stat info{};
  if (::fstat(fd.get(), &info) == 0 && info.st_size > 0) {
    bytes.reserve(std::min<size_t>(static_cast<size_t>(info.st_size), max_bytes) + 1);
  }
  while (true) {
    size_t before = bytes.size();
    size_t room = std::max<size_t>(bytes.capacity() - before, before == 0 ? 4096 : kReadStep);
    bytes.resize(before + room);
    ssize_t n = ::read(fd.get(), bytes.data() + before, room);
    bytes.resize(before + static_cast<size_t>(std::max<ssize_t>(n, 0)));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("read", path);
    if (n == 0) return bytes;
    if (bytes.size() > max_bytes) return failed("read", path, EFBIG);
  }
}

}  // namespace

Result<std::string> read_file(const std::string& path, size_t max_bytes) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return failed("open", path);
  return read_all(fd, path, max_bytes);
}

Result<std::string> read_regular_file(const std::string& path, size_t max_bytes) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) return failed("open", path);
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return failed("stat", path);
  if (!S_ISREG(info.st_mode)) return ApiStatus::internal(path + " is not a regular file");
  return read_all(fd, path, max_bytes);
}

Result<void> write_file(const std::string& path, std::string_view bytes, int mode) {
  Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (!fd.valid()) return failed("open", path);
  return write_all(fd.get(), path, bytes);
}

Result<void> write_file_atomic(const std::string& path, std::string_view bytes, int mode) {
  std::string name = path + ".tmp-XXXXXX";
  Fd fd(::mkostemp(name.data(), O_CLOEXEC));
  if (!fd.valid()) return failed("create", name);
  Result<void> done = fill_temporary(fd, name, bytes, mode);
  if (done && ::rename(name.c_str(), path.c_str()) != 0) done = failed("rename", path);
  if (!done) {
    ::unlink(name.c_str());
    return done;
  }
  return sync_dir(parent_of(path));
}

bool exists(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0;
}

bool is_directory(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

Result<void> make_dirs(const std::string& path, int mode) {
  if (path.empty()) return failed("mkdir", path, ENOENT);
  size_t end = 0;
  while (end < path.size()) {
    end = std::min(path.find('/', end + 1), path.size());
    std::string part = path.substr(0, end);
    if (::mkdir(part.c_str(), static_cast<mode_t>(mode)) == 0) continue;
    if (errno == EEXIST || errno == EISDIR) continue;
    return failed("mkdir", part);
  }
  if (!is_directory(path)) return failed("mkdir", path, ENOTDIR);
  return {};
}

Result<void> remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return failed("remove", path);
  return {};
}

Result<std::vector<std::string>> list_dir(const std::string& path) {
  std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(path.c_str()), ::closedir);
  if (!dir) return failed("open", path);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(dir.get())) {
    std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return failed("read", path);
  std::ranges::sort(names);
  return names;
}

Result<void> make_symlink(const std::string& target, const std::string& path) {
  if (::symlink(target.c_str(), path.c_str()) != 0) return failed("symlink", path);
  return {};
}

Result<std::string> read_link(const std::string& path) {
  std::string target(PATH_MAX, '\0');
  ssize_t n = ::readlink(path.c_str(), target.data(), target.size());
  if (n < 0) return failed("readlink", path);
  target.resize(static_cast<size_t>(n));
  return target;
}

Result<void> rename_path(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return failed("rename", from);
  return {};
}

}  // namespace tiphys::os
