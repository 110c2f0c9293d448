#include "os/beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/strings.h"

namespace tiphys::os {
namespace {

int open_at(int folder, const std::string& path, uint64_t flags) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(::syscall(SYS_openat2, folder, path.c_str(), &how, sizeof how));
}

// The mode is set on what is there under the name now: below the root, whatever it became.
Result<void> make_dir(int root, int parent, std::string_view name, const std::string& path,
                      int mode) {
  if (::mkdirat(parent, std::string(name).c_str(), 0700) != 0) {
    if (errno == EEXIST) return {};
    return ApiStatus::os_error("create " + path, errno);
  }
  Fd made(open_at(root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  if (!made.valid()) return ApiStatus::os_error("open " + path, errno);
  if (::fchmod(made.get(), static_cast<mode_t>(mode)) == 0) return {};
  return ApiStatus::os_error("chmod " + path, errno);
}

std::string own_link(const Fd& fd) { return "/proc/self/fd/" + std::to_string(fd.get()); }

ApiStatus open_error(const std::string& path, int error) {
  std::string text = "open " + path + ": " + std::strerror(error);
  if (error == ENOENT || error == ENOTDIR) return {404, "NotFound", text};
  if (error == EACCES || error == EPERM) return {403, "Forbidden", text};
  return ApiStatus::internal(text);
}

}  // namespace

Result<Fd> open_beneath(const std::string& folder, const std::string& relative,
                        std::optional<int> create_mode) {
  Fd root(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) return ApiStatus::os_error("open " + folder, errno);
  Fd found(open_at(root.get(), relative, O_PATH));
  if (found.valid()) return found;
  int error = errno;
  if (error == EXDEV) {  // absolute links lead out for the kernel, wherever to
    Result<Fd> inside = open_inside(folder, relative);
    if (inside) return inside;
  }
  if (!create_mode || error != ENOENT) return ApiStatus::os_error("open " + relative, error);
  std::string so_far;
  for (std::string_view part : split(relative, '/')) {
    if (part.empty() || part == ".") continue;
    std::string parent = so_far.empty() ? "." : so_far;
    so_far += (so_far.empty() ? "" : "/") + std::string(part);
    Fd at(open_at(root.get(), parent, O_PATH | O_DIRECTORY));
    if (!at.valid()) return ApiStatus::os_error("open " + parent, errno);
    Result<void> made = make_dir(root.get(), at.get(), part, so_far, *create_mode);
    if (!made) return made.error();
  }
  Fd made(open_at(root.get(), relative, O_PATH));
  if (!made.valid()) return ApiStatus::os_error("open " + relative, errno);
  return made;
}

Result<Fd> open_inside(const std::string& folder, const std::string& relative) {
  Fd root(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) return open_error(folder, errno);
  std::string name = relative.empty() ? "." : relative;
  Fd found(::openat(root.get(), name.c_str(), O_PATH | O_CLOEXEC));
  if (!found.valid()) return open_error(relative, errno);
  TIPHYS_TRY(std::string, top, read_link(own_link(root)));
  TIPHYS_TRY(std::string, place, read_link(own_link(found)));
  if (place != top && !place.starts_with(top == "/" ? top : top + "/")) {
    return open_error(relative, ENOENT);
  }
  return found;
}

Result<Fd> reopen_for_reading(const Fd& path) {
  std::string link = own_link(path);
  Fd out(::open(link.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!out.valid()) return open_error(link, errno);
  return out;
}

}  // namespace tiphys::os
