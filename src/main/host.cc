#include "main/host.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "os/program_pages.h"

namespace tiphys {
namespace {

constexpr int kPoolThreads = 8;
constexpr Duration kTrimPeriod = std::chrono::seconds(15);

int open_signal_fd() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
}

}  // namespace

Host::Host() : pool_(kPoolThreads), stopped_(loop_), signal_fd_(open_signal_fd()) {
  stop_callback_ = stop_.token().on_stop([this] { stopped_.set(); });
  loop_.watch(signal_fd_, [this](uint32_t) { on_signal(); });
}

Host::~Host() {
  loop_.unwatch(signal_fd_);
  close(signal_fd_);
}

void Host::on_signal() {
  signalfd_siginfo info;
  while (read(signal_fd_, &info, sizeof info) == sizeof info) {
    if (stop_.stop_requested()) {
      LOG_WARNING("Received a second signal, exiting at once");
      _exit(128 + static_cast<int>(info.ssi_signo));
    }
    LOG_INFO("Received signal, stopping", {"signal", strsignal(static_cast<int>(info.ssi_signo))});
    stop_.request_stop();
  }
}

void Host::fail(const ApiStatus& why) {
  if (exit_code_ == kExitOk) std::fprintf(stderr, "tiphys: %s\n", why.message().c_str());
  exit_code_ = kExitFailed;
  stop_.request_stop();
}

int Host::run(std::function<Task<Result<void>>(Host&)> body) {
  loop_.post([this, body = std::move(body)]() mutable { spawn(drive(std::move(body))); });
  loop_.run();
  return exit_code_;
}

// What only the start needed of the program does not stay in memory, nor what is needed once a day.
void Host::trim() {
  os::give_back_program_pages();
  trim_timer_ = loop_.call_after(kTrimPeriod, [this] { trim(); });
}

Task<void> Host::drive(std::function<Task<Result<void>>(Host&)> body) {
  trim_timer_ = loop_.call_after(kTrimPeriod, [this] { trim(); });
  Result<void> result = co_await body(*this);
  loop_.cancel(trim_timer_);
  if (!result) fail(result.error());
  loop_.stop();
}

Task<void> Host::wait_for_stop() {
  bool stopped = co_await stopped_.wait();
  (void)stopped;
}

}  // namespace tiphys
