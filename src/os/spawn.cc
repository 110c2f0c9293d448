#include "os/spawn.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>

#include "base/strings.h"
#include "os/process.h"

namespace tiphys::os {

namespace {

constexpr size_t kChildStackBytes = 64 * 1024;

// Everything the child needs, made before it exists: it shares our memory and may not allocate.
struct Child {
  std::string program;
  std::vector<char*> arguments;
  std::vector<char*> environment;  // as execve wants it
  const char* directory = nullptr;
  int fds[3] = {-1, -1, -1};
  bool new_session = false;
  bool kill_with_parent = false;
  pid_t parent = 0;
  sigset_t no_signals{};
  int error = 0;  // out: what kept it from starting
};

bool is_program(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

std::string look_up(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const char* path = ::getenv("PATH");
  std::string_view places =
      path ? path : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  for (std::string_view place : split(places, ':')) {
    std::string candidate = std::string(place) + "/" + name;
    if (!place.empty() && is_program(candidate)) return candidate;
  }
  return "";
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

bool place_fds(const Child& child) {
  for (int target = 0; target < 3; ++target) {
    if (child.fds[target] >= 0 && ::dup2(child.fds[target], target) < 0) return false;
  }
  return ::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
}

// On the child's own stack, in our memory: only system calls.
__attribute__((no_sanitize("address", "undefined", "thread"))) int run_child(void* argument) {
  auto& child = *static_cast<Child*>(argument);
  for (int number = 1; number < _NSIG; ++number) {
    struct sigaction action{};
    action.sa_handler = SIG_DFL;
    ::sigaction(number, &action, nullptr);
  }
  bool ok = place_fds(child);
  if (ok && child.new_session) ok = ::setsid() >= 0;
  if (ok && child.kill_with_parent) {
    ok = ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
    if (::getppid() != child.parent) ::_exit(127);  // it died before we asked
  }
  if (ok && child.directory) ok = ::chdir(child.directory) == 0;
  if (ok) {
    ::sigprocmask(SIG_SETMASK, &child.no_signals, nullptr);
    ::execve(child.program.c_str(), child.arguments.data(), child.environment.data());
  }
  child.error = errno;
  ::_exit(127);
}

Result<Spawned> clone_child(Child& child, const std::string& name) {
  auto stack = std::make_unique<char[]>(kChildStackBytes);
  auto top = reinterpret_cast<uintptr_t>(stack.get() + kChildStackBytes) & ~uintptr_t{15};
  int pidfd = -1;
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  // Our handlers must not run in the child while it shares our memory.
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  int flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD;
  pid_t pid = ::clone(run_child, reinterpret_cast<void*>(top), flags, &child, &pidfd);
  int error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return ApiStatus::os_error("start " + name, error);
  Spawned spawned{pid, Fd(pidfd)};
  if (child.error == 0) return spawned;
  reap(spawned.pidfd, 0);
  return ApiStatus::os_error("start " + name, child.error);
}

}  // namespace

Result<Spawned> spawn_child(const ProcessOptions& options, const SpawnFds& fds) {
  if (options.arguments.empty()) return ApiStatus::os_error("start", EINVAL);
  Child child;
  child.program = look_up(options.arguments[0]);
  if (child.program.empty()) return ApiStatus::os_error("start " + options.arguments[0], ENOENT);
  child.arguments = pointers(options.arguments);
  child.environment = pointers(options.environment);
  if (options.environment.empty()) {
    child.environment.clear();
    for (char** entry = environ; *entry; ++entry) child.environment.push_back(*entry);
    child.environment.push_back(nullptr);
  }
  if (!options.directory.empty()) child.directory = options.directory.c_str();
  const Fd* sources[] = {&fds.in, &fds.out, &fds.err};
  for (int i = 0; i < 3; ++i) child.fds[i] = sources[i]->get();
  child.new_session = options.new_session;
  child.kill_with_parent = options.kill_with_parent;
  child.parent = ::getpid();
  sigemptyset(&child.no_signals);
  return clone_child(child, options.arguments[0]);
}

void pidfd_signal(const Fd& pidfd, int number) {
  ::syscall(SYS_pidfd_send_signal, pidfd.get(), number, nullptr, 0);
}

std::optional<int> reap(const Fd& pidfd, int flags) {
  siginfo_t info{};
  int result;
  do {
    result = ::waitid(P_PIDFD, static_cast<id_t>(pidfd.get()), &info, WEXITED | flags);
  } while (result != 0 && errno == EINTR);
  if (result != 0) return -1;  // reaped by somebody else
  if (info.si_pid == 0) return std::nullopt;
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

}  // namespace tiphys::os
