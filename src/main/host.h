// Host: what every component runs on inside one process: the loop, the pool, clock, randomness and
// the signals that end it. Made once in each command.
#pragma once
#include <functional>
#include <memory>

#include "async/epoll_loop.h"
#include "async/gate.h"
#include "async/pool.h"
#include "base/random.h"
#include "base/result.h"

namespace tiphys {

// Exit codes of every command.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;  // it ran, and failed; the reason stands on standard error
inline constexpr int kExitUsage = 2;   // the command line is wrong

class Host {
 public:
  Host();
  ~Host();

  EpollLoop& loop() { return loop_; }
  WorkerPool& pool() { return pool_; }
  Random& random() { return random_; }
  // Stops when SIGTERM or SIGINT arrived, or after fail().
  StopToken stop() const { return stop_.token(); }
  // Ends the process with kExitFailed after an orderly stop; the first reason is printed.
  void fail(const ApiStatus& why);

  // Runs `body` on the loop to its end and returns the exit code. A second SIGTERM or SIGINT ends
  // the process at once. The body waits for stop() itself when it serves.
  int run(std::function<Task<Result<void>>(Host&)> body);
  // Waits until stop is requested.
  Task<void> wait_for_stop();

 private:
  Task<void> drive(std::function<Task<Result<void>>(Host&)> body);
  void on_signal();
  void trim();

  EpollLoop loop_;
  WorkerPool pool_;
  SystemRandom random_;
  StopSource stop_;
  Event stopped_;
  StopCallback stop_callback_;
  int signal_fd_ = -1;
  Loop::TimerId trim_timer_{};
  int exit_code_ = kExitOk;
};

}  // namespace tiphys
