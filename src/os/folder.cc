#include "os/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace tiphys::os {

Result<Folder> Folder::open(const std::string& root, const std::string& relative) {
  Fd top(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!top.valid()) return ApiStatus::os_error("open " + root, errno);
  open_how how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  Fd found(static_cast<int>(::syscall(SYS_openat2, top.get(), relative.c_str(), &how, sizeof how)));
  if (!found.valid()) return ApiStatus::os_error("open " + root + "/" + relative, errno);
  return Folder(std::move(found));
}

Result<Fd> Folder::open_file(const std::string& name, int flags, int mode) const {
  int all = flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  Fd found(::openat(fd_.get(), name.c_str(), all, mode));
  if (!found.valid()) return ApiStatus::os_error("open " + name, errno);
  return found;
}

int64_t Folder::bytes(const std::string& name) const {
  struct stat info{};
  bool there = ::fstatat(fd_.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
  return there ? info.st_size : -1;
}

bool Folder::is(const std::string& name, const Fd& file) const {
  struct stat named{};
  struct stat open{};
  if (::fstatat(fd_.get(), name.c_str(), &named, AT_SYMLINK_NOFOLLOW) != 0) return false;
  if (::fstat(file.get(), &open) != 0) return false;
  return named.st_ino == open.st_ino && named.st_dev == open.st_dev;
}

Result<std::vector<std::string>> Folder::names() const {
  int copy = ::openat(fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  std::unique_ptr<DIR, int (*)(DIR*)> stream(copy < 0 ? nullptr : ::fdopendir(copy), ::closedir);
  if (!stream) return ApiStatus::os_error("list a folder", errno);
  std::vector<std::string> out;
  while (const dirent* entry = ::readdir(stream.get())) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") out.push_back(std::move(name));
  }
  std::ranges::sort(out);
  return out;
}

Result<void> Folder::remove(const std::string& name) const {
  if (::unlinkat(fd_.get(), name.c_str(), 0) == 0 || errno == ENOENT) return {};
  return ApiStatus::os_error("remove " + name, errno);
}

Result<void> Folder::rename(const std::string& from, const std::string& to) const {
  if (::renameat(fd_.get(), from.c_str(), fd_.get(), to.c_str()) == 0) return {};
  return ApiStatus::os_error("rename " + from, errno);
}

}  // namespace tiphys::os
