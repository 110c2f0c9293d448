#include "async/sim_loop.h"

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>

#include "async/timer_queue.h"

namespace tiphys {

struct SimLoop::Impl {
  std::mutex mutex;  // guards ready
  std::deque<Callback> ready;
  TimerQueue timers;
  MonoTime now{0};
  MicroTime wall_start = 0;
  Duration wall_shift{0};

  // The next thing to run at the current time; empty if none.
  Callback take() {
    {
      std::lock_guard lock(mutex);
      if (!ready.empty()) {
        Callback callback = std::move(ready.front());
        ready.pop_front();
        return callback;
      }
    }
    return timers.take_due(now);
  }
  bool jump(MonoTime limit) {
    auto next = timers.next_time();
    if (!next || *next > limit) return false;
    if (*next > now) now = *next;
    return true;
  }
};

SimLoop::SimLoop(MicroTime wall_start) : impl_(std::make_unique<Impl>()) {
  impl_->wall_start = wall_start;
}
SimLoop::~SimLoop() = default;

void SimLoop::run_ready() {
  while (Callback callback = impl_->take()) callback();
}

void SimLoop::run_for(Duration span) {
  MonoTime end = impl_->now + span;
  do {
    run_ready();
  } while (impl_->jump(end));
  impl_->now = end;
}

bool SimLoop::run_until(const std::function<bool()>& predicate, Duration limit) {
  MonoTime end = impl_->now + limit;
  if (predicate()) return true;
  while (true) {
    Callback callback = impl_->take();
    if (callback) {
      callback();
      if (predicate()) return true;
    } else if (!impl_->jump(end)) {
      return false;
    }
  }
}

void SimLoop::post(Callback callback) {
  std::lock_guard lock(impl_->mutex);
  impl_->ready.push_back(std::move(callback));
}

Loop::TimerId SimLoop::call_at(MonoTime when, Callback callback) {
  return impl_->timers.add(when, std::move(callback));
}

void SimLoop::cancel(TimerId timer) { impl_->timers.cancel(timer); }
MonoTime SimLoop::mono() const { return impl_->now; }
void SimLoop::jump_wall(Duration by) { impl_->wall_shift += by; }

MicroTime SimLoop::wall() const {
  using std::chrono::duration_cast, std::chrono::microseconds;
  return impl_->wall_start + duration_cast<microseconds>(impl_->now + impl_->wall_shift).count();
}

void SimLoop::deadlock() {
  std::fprintf(stderr, "SimLoop::run: the task waits for something that can never happen\n");
  std::abort();
}

}  // namespace tiphys
