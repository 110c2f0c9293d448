#include "os/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "os/spawn.h"

namespace tiphys::os {

Result<Process> Process::start(ProcessOptions options) {
  SpawnFds fds;
  fds.in.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!options.output_path.empty()) {
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
    fds.out.reset(::open(options.output_path.c_str(), flags, 0640));
    if (!fds.out.valid()) return ApiStatus::os_error("open " + options.output_path, errno);
    fds.err.reset(::fcntl(fds.out.get(), F_DUPFD_CLOEXEC, 3));
  }
  TIPHYS_TRY(Spawned, child, spawn_child(options, fds));
  Process process;
  process.pid_ = child.pid;
  process.pidfd_ = std::move(child.pidfd);
  return process;
}

void Process::signal(int number) {
  if (!status_) pidfd_signal(pidfd_, number);
}

std::optional<int> Process::poll() {
  if (!status_) status_ = reap(pidfd_, WNOHANG);
  return status_;
}

int Process::wait() {
  if (!status_) status_ = reap(pidfd_, 0);
  return status_.value_or(-1);
}

}  // namespace tiphys::os
