// remove_tree: what containers left behind is hostile (links, mounts, depth), and it may change
// while we remove it. Every step works on an open directory, never on a path.
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "os/files.h"

namespace tiphys::os {

namespace {

constexpr size_t kNamesPerPass = 4096;  // memory bound for huge directories
constexpr int kMaxNameTries = 10'000;
constexpr int kMaxOpenDepth = 32;  // descriptors held; deeper folders are moved up first

Fd open_dir_at(int parent, const std::string& name) {
  open_how how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH;
  return Fd(static_cast<int>(::syscall(SYS_openat2, parent, name.c_str(), &how, sizeof how)));
}

// What a privileged container may have set: such files can't be removed, by root either.
void clear_flags(int fd) {
  int flags = 0;
  if (::ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0) return;
  int cleared = flags & ~(FS_IMMUTABLE_FL | FS_APPEND_FL);
  if (cleared != flags) (void)::ioctl(fd, FS_IOC_SETFLAGS, &cleared);
}

// Of a regular file or folder; devices and pipes are not opened.
void clear_flags_at(int dir, const std::string& name) {
  Fd found(::openat(dir, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat info{};
  if (!found.valid() || ::fstat(found.get(), &info) != 0) return;
  if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) return;
  std::string path = "/proc/self/fd/" + std::to_string(found.get());
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.valid()) clear_flags(file.get());
}

// unlinkat that flags don't stop; those of the folder itself only if it is inside the tree.
int unlink_at(int dir, const std::string& name, int flags, bool inside) {
  if (::unlinkat(dir, name.c_str(), flags) == 0) return 0;
  if (errno != EPERM) return -1;
  if (inside) clear_flags(dir);
  clear_flags_at(dir, name);
  return ::unlinkat(dir, name.c_str(), flags);
}

struct Entry {
  std::string name;
  bool directory;
};

class Remover {
 public:
  explicit Remover(std::string path) : path_(std::move(path)) {}

  Result<void> remove(int parent, const std::string& name) {
    remove_dir(parent, name, 0);
    if (error_ != 0) return ApiStatus::os_error("remove " + path_ + ": " + where_, error_);
    return {};
  }

 private:
  void fail(const std::string& name, int error = errno) {
    if (error_ != 0) return;
    error_ = error;
    where_ = name;
  }

  bool remove_dir(int parent, const std::string& name, int depth) {
    Fd dir = open_dir_at(parent, name);
    if (!dir.valid()) {
      if (errno == ENOENT) return true;
      fail(name);
      return false;
    }
    if (depth == 0) top_ = dir.get();
    if (!empty_dir(dir.get(), depth)) return false;
    if (unlink_at(parent, name, AT_REMOVEDIR, depth > 0) == 0 || errno == ENOENT) return true;
    fail(name);
    return false;
  }

  // Passes over the directory until it is empty, or a pass removed nothing.
  bool empty_dir(int dir, int depth) {
    while (true) {
      std::vector<Entry> entries = read_some(dir);
      if (entries.empty()) return error_ == 0;
      bool progress = false;
      for (const Entry& entry : entries) progress |= remove_entry(dir, entry, depth);
      if (!progress) return false;
    }
  }

  bool remove_entry(int dir, const Entry& entry, int depth) {
    if (!entry.directory) {
      if (unlink_at(dir, entry.name, 0, true) == 0 || errno == ENOENT) return true;
      if (errno != EISDIR) {
        fail(entry.name);
        return false;
      }
    }
    if (depth + 1 < kMaxOpenDepth) return remove_dir(dir, entry.name, depth + 1);
    return move_up(dir, entry.name);
  }

  // The top folder's next pass removes it from there.
  bool move_up(int dir, const std::string& name) {
    for (int tries = 0; tries < kMaxNameTries; ++tries) {
      std::string moved = ".removing-" + std::to_string(++moved_);
      if (::renameat(dir, name.c_str(), top_, moved.c_str()) == 0) return true;
      if (errno == EPERM && tries == 0) {
        clear_flags(dir);
        clear_flags_at(dir, name);
        continue;
      }
      if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR) break;
    }
    fail(name);
    return false;
  }

  std::vector<Entry> read_some(int dir) {
    std::vector<Entry> entries;
    // A fresh description each pass: the position starts at the beginning.
    int copy = ::openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    std::unique_ptr<DIR, int (*)(DIR*)> stream(copy < 0 ? nullptr : ::fdopendir(copy), ::closedir);
    if (!stream) {
      fail(".");
      return entries;
    }
    while (entries.size() < kNamesPerPass) {
      const dirent* found = ::readdir(stream.get());
      if (!found) break;
      std::string name = found->d_name;
      if (name != "." && name != "..") entries.push_back({name, is_dir(dir, *found)});
    }
    return entries;
  }

  static bool is_dir(int dir, const dirent& entry) {
    if (entry.d_type != DT_UNKNOWN) return entry.d_type == DT_DIR;
    struct stat info{};
    return ::fstatat(dir, entry.d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode);
  }

  std::string path_;
  std::string where_;
  int error_ = 0;
  int top_ = -1;
  uint64_t moved_ = 0;
};

}  // namespace

Result<void> remove_tree(const std::string& path) {
  std::string clean = path;
  while (clean.size() > 1 && clean.ends_with('/')) clean.pop_back();
  size_t slash = clean.find_last_of('/');
  std::string name = slash == std::string::npos ? clean : clean.substr(slash + 1);
  if (name.empty() || name == "." || name == "..") {
    return ApiStatus::os_error("remove " + path, EINVAL);
  }
  std::string parent = slash == std::string::npos ? "." : clean.substr(0, slash + 1);
  Fd dir(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir.valid()) {
    if (errno == ENOENT) return {};
    return ApiStatus::os_error("open " + parent, errno);
  }
  if (unlink_at(dir.get(), name, 0, false) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR) return ApiStatus::os_error("remove " + path, errno);
  return Remover(clean).remove(dir.get(), name);
}

}  // namespace tiphys::os
