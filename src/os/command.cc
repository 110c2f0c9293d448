// run_command: one child, three pipes, one deadline.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "os/process.h"
#include "os/spawn.h"

namespace tiphys::os {

namespace {

using SteadyClock = std::chrono::steady_clock;

Result<void> make_pipe(Fd& read_end, Fd& write_end) {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return ApiStatus::os_error("pipe", errno);
  read_end.reset(fds[0]);
  write_end.reset(fds[1]);
  return {};
}

class Command {
 public:
  Command(std::string name, std::string input, SteadyClock::time_point deadline)
      : name_(std::move(name)), input_(std::move(input)), deadline_(deadline) {}

  Result<CommandResult> run(ProcessOptions options) {
    SpawnFds theirs;
    if (auto made = make_pipe(theirs.in, in_); !made) return made.error();
    if (auto made = make_pipe(out_, theirs.out); !made) return made.error();
    if (auto made = make_pipe(err_, theirs.err); !made) return made.error();
    for (Fd* fd : {&in_, &out_, &err_}) ::fcntl(fd->get(), F_SETFL, O_NONBLOCK);
    TIPHYS_TRY(Spawned, child, spawn_child(options, theirs));
    theirs = {};
    Result<void> pumped = pump(child);
    if (!pumped) {
      pidfd_signal(child.pidfd, SIGKILL);
      reap(child.pidfd, 0);
      return pumped.error();
    }
    result_.status = reap(child.pidfd, 0).value_or(-1);
    return std::move(result_);
  }

 private:
  // Until the child ended and what it had written is read. A grandchild that keeps the pipes open
  // is not waited for.
  Result<void> pump(const Spawned& child) {
    while (true) {
      pollfd polled[] = {{child.pidfd.get(), POLLIN, 0},
                         {in_.get(), POLLOUT, 0},
                         {out_.get(), POLLIN, 0},
                         {err_.get(), POLLIN, 0}};
      auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - SteadyClock::now());
      if (left.count() <= 0) return ApiStatus::timeout(name_ + ": timed out");
      int count = ::poll(polled, 4, static_cast<int>(left.count()));
      if (count < 0 && errno != EINTR) return ApiStatus::os_error("poll", errno);
      if (count <= 0) continue;
      feed();
      if (!drain(out_, result_.out) || !drain(err_, result_.err)) {
        return ApiStatus::internal(name_ + ": more output than " +
                                   std::to_string(kMaxCommandOutput) + " bytes");
      }
      if (polled[0].revents != 0) return {};
    }
  }

  void feed() {
    while (in_.valid() && fed_ < input_.size()) {
      ssize_t n = ::write(in_.get(), input_.data() + fed_, input_.size() - fed_);
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (n < 0) break;  // it doesn't read its input: its exit status tells
      fed_ += static_cast<size_t>(n);
    }
    in_.reset();
  }

  static bool drain(Fd& fd, std::string& into) {
    char buffer[16 * 1024];
    while (fd.valid()) {
      ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return true;
      if (n == 0) fd.reset();
      into.append(buffer, static_cast<size_t>(n));
      if (into.size() > kMaxCommandOutput) return false;
    }
    return true;
  }

  std::string name_;
  std::string input_;
  SteadyClock::time_point deadline_;
  size_t fed_ = 0;
  Fd in_;
  Fd out_;
  Fd err_;
  CommandResult result_;
};

// A child that doesn't read its input must not kill us with SIGPIPE: blocked here and, if it came
// meanwhile, taken off again.
class WithoutSigpipe {
 public:
  WithoutSigpipe() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~WithoutSigpipe() {
    timespec none{};
    if (!sigismember(&before_, SIGPIPE)) ::sigtimedwait(&pipe_, nullptr, &none);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t pipe_;
  sigset_t before_;
};

}  // namespace

Result<CommandResult> run_command(std::vector<std::string> arguments, std::string input,
                                  int timeout_seconds) {
  if (arguments.empty()) return ApiStatus::os_error("start", EINVAL);
  WithoutSigpipe guard;
  auto deadline = SteadyClock::now() + std::chrono::seconds(timeout_seconds);
  Command command(arguments[0], std::move(input), deadline);
  ProcessOptions options;
  options.arguments = std::move(arguments);
  return command.run(std::move(options));
}

}  // namespace tiphys::os
