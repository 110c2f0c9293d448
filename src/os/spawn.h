// What Process and run_command share: starting a program by clone(CLONE_VM|CLONE_VFORK) with a
// pidfd. Thread-safe; not for others' use.
#pragma once
#include <sys/types.h>

#include <optional>

#include "base/result.h"
#include "os/files.h"

namespace tiphys::os {

struct ProcessOptions;

// The child's standard descriptors; an invalid one is inherited.
struct SpawnFds {
  Fd in;
  Fd out;
  Fd err;
};
struct Spawned {
  pid_t pid = -1;
  Fd pidfd;
};
Result<Spawned> spawn_child(const ProcessOptions& options, const SpawnFds& fds);
void pidfd_signal(const Fd& pidfd, int number);
// Exit status (128 + signal if killed); nothing if it still runs (WNOHANG).
std::optional<int> reap(const Fd& pidfd, int flags);

}  // namespace tiphys::os
