// A process that need not be our child, by pidfd: readable when it ended. Thread-safe (no state).
#pragma once
#include <sys/types.h>

#include "base/result.h"
#include "os/files.h"

namespace tiphys::os {

// Errors: no such process.
Result<Fd> open_pidfd(pid_t pid);
bool has_ended(const Fd& pidfd);
// Waits at most timeout_ms for the end. False: it still runs.
bool wait_ended(const Fd& pidfd, int timeout_ms);
Result<void> send_signal(const Fd& pidfd, int number);
// /proc/<pid>/cmdline, arguments separated by spaces; "" if there is no such process.
std::string command_line(pid_t pid);

}  // namespace tiphys::os
