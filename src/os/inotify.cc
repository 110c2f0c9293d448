#include "os/inotify.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tiphys::os {

Result<Inotify> Inotify::open(const std::string& path) {
  Fd fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!fd.valid()) return ApiStatus::os_error("inotify_init", errno);
  constexpr uint32_t kEvents = IN_CREATE | IN_CLOSE_WRITE | IN_DELETE | IN_MOVED_FROM |
                               IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF;
  if (::inotify_add_watch(fd.get(), path.c_str(), kEvents) < 0) {
    return ApiStatus::os_error("watch " + path, errno);
  }
  return Inotify(std::move(fd));
}

bool Inotify::drain() {
  alignas(inotify_event) char buffer[4096];
  bool there = true;
  for (;;) {
    ssize_t got = ::read(fd_.get(), buffer, sizeof buffer);
    if (got <= 0) return there;
    for (ssize_t at = 0; at < got;) {
      inotify_event event{};
      std::memcpy(&event, buffer + at, sizeof event);
      if (event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) there = false;
      at += static_cast<ssize_t>(sizeof event + event.len);
    }
  }
}

}  // namespace tiphys::os
