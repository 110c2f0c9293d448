#include "os/tree_size.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <set>
#include <vector>

#include "os/files.h"

namespace tiphys::os {

namespace {

constexpr size_t kMaxPending = 65'536;   // folders noted; more of them count only by themselves
constexpr size_t kMaxLinked = 1 << 20;   // files with several names that are remembered
constexpr size_t kAnchorLength = 2'000;  // of a path, before a new folder is held open

using Anchor = std::shared_ptr<const Fd>;
struct Pending {
  Anchor anchor;
  std::string path;  // from the anchor
};

class Walk {
 public:
  Walk(Fd root, const TreeSizeLimits& limits) : limits_(limits) {
    struct stat info{};
    if (::fstat(root.get(), &info) == 0) add(info);
    pending_.push_back({std::make_shared<const Fd>(std::move(root)), "."});
  }

  TreeSize run() {
    while (!pending_.empty() && size_.complete) {
      Pending next = std::move(pending_.back());
      pending_.pop_back();
      visit(next);
    }
    return size_;
  }

 private:
  void add(const struct stat& info) {
    ++size_.entries;
    if (info.st_nlink > 1 && !S_ISDIR(info.st_mode) && linked_.size() < kMaxLinked) {
      if (!linked_.insert(info.st_ino).second) return;
    }
    size_.bytes += static_cast<int64_t>(info.st_blocks) * 512;
    if (size_.bytes >= limits_.enough_bytes || size_.entries >= limits_.max_entries) {
      size_.complete = false;
    }
  }

  void visit(const Pending& folder) {
    open_how how{};
    how.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NOATIME;
    how.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH;
    int fd = static_cast<int>(
        ::syscall(SYS_openat2, folder.anchor->get(), folder.path.c_str(), &how, sizeof how));
    if (fd < 0) return;  // gone, a mount, or no folder any more
    Anchor anchor = folder.anchor;
    std::string prefix = folder.path + "/";
    if (prefix.size() > kAnchorLength) {
      anchor = std::make_shared<const Fd>(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
      prefix = "./";
    }
    std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(fd), ::closedir);
    if (!stream) {
      ::close(fd);
      return;
    }
    while (const dirent* entry = ::readdir(stream.get())) {
      std::string name = entry->d_name;
      if (name == "." || name == "..") continue;
      struct stat info{};
      if (::fstatat(fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
      add(info);
      if (!size_.complete) return;
      if (S_ISDIR(info.st_mode) && pending_.size() < kMaxPending) {
        pending_.push_back({anchor, prefix + name});
      }
    }
  }

  TreeSizeLimits limits_;
  TreeSize size_;
  std::vector<Pending> pending_;
  std::set<ino_t> linked_;
};

}  // namespace

Result<TreeSize> tree_size(const std::string& folder, TreeSizeLimits limits) {
  Fd root(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!root.valid()) return ApiStatus::os_error("open " + folder, errno);
  return Walk(std::move(root), limits).run();
}

}  // namespace tiphys::os
