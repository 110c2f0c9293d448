#include "os/pidfd.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace tiphys::os {

Result<Fd> open_pidfd(pid_t pid) {
  int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return ApiStatus::os_error("process " + std::to_string(pid), errno);
  return Fd(fd);
}

bool has_ended(const Fd& pidfd) { return wait_ended(pidfd, 0); }

bool wait_ended(const Fd& pidfd, int timeout_ms) {
  pollfd ask{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
  return ::poll(&ask, 1, timeout_ms) == 1;
}

Result<void> send_signal(const Fd& pidfd, int number) {
  if (::syscall(SYS_pidfd_send_signal, pidfd.get(), number, nullptr, 0) != 0 && errno != ESRCH) {
    return ApiStatus::os_error("signal a process", errno);
  }
  return {};
}

std::string command_line(pid_t pid) {
  Result<std::string> text = read_file("/proc/" + std::to_string(pid) + "/cmdline", 64 * 1024);
  if (!text) return {};
  std::replace(text->begin(), text->end(), '\0', ' ');
  return std::move(*text);
}

}  // namespace tiphys::os
