// Loop: where tasks run. One thread, callbacks one at a time, timers, and time itself.
//
// Implementations: EpollLoop (epoll_loop.h: the machine's clocks, file descriptors) and SimLoop
// (sim_loop.h: virtual time that jumps to the next timer when nothing is left to run).
// Everything except post() is for the loop's own thread.
#pragma once
#include <coroutine>
#include <cstdint>
#include <functional>
#include <list>

#include "async/stop.h"
#include "async/task.h"
#include "base/time.h"

namespace tiphys {

class Loop : public Clock {
 public:
  using Callback = std::move_only_function<void()>;
  using TimerId = uint64_t;  // never reused; 0 is no timer

  // Runs the callback soon, in order of posting. Thread-safe.
  virtual void post(Callback callback) = 0;
  // Runs the callback once mono() >= when. Equal times run in order of creation.
  virtual TimerId call_at(MonoTime when, Callback callback) = 0;
  // Forgets a timer; no effect if it ran or is 0.
  virtual void cancel(TimerId timer) = 0;
  // True on the loop's thread.
  virtual bool in_loop() const = 0;

  TimerId call_after(Duration delay, Callback callback) {
    return call_at(mono() + delay, std::move(callback));
  }
};

// Suspends and resumes from the loop: lets others run.
Task<void> yield(Loop& loop);
// Sleeps; returns false at once when (or as soon as) stop is requested.
Task<bool> sleep_for(Loop& loop, Duration delay, StopToken stop = {});

// Event: a level that tasks wait for. One loop's thread only.
// set() wakes every waiter (resumed through the loop, in order of waiting).
class Event {
 public:
  explicit Event(Loop& loop);
  ~Event();  // Requires: no waiters
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  void set();
  void reset();
  bool is_set() const;
  // True once set; false if stop was requested, or `timeout` passed (zero: no time-out), first.
  Task<bool> wait(StopToken stop = {}, Duration timeout = Duration::zero());

 private:
  friend Task<bool> sleep_for(Loop& loop, Duration delay, StopToken stop);
  struct Waiter;
  Loop& loop_;
  bool set_ = false;
  std::list<Waiter*> waiters_;
};

}  // namespace tiphys
