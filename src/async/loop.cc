#include "async/loop.h"

#include <cassert>

namespace tiphys {

namespace {

struct YieldAwaiter {
  Loop& loop;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    loop.post([handle] { handle.resume(); });
  }
  void await_resume() const noexcept {}
};

}  // namespace

Task<void> yield(Loop& loop) { co_await YieldAwaiter{loop}; }

// A suspended Event::wait or sleep_for. It lives in the waiting coroutine's frame; exactly one of
// set, stop and time-out ends it, and the coroutine resumes through the loop.
struct Event::Waiter {
  Loop& loop;
  std::list<Waiter*>* list;  // null: a sleep
  StopToken stop;
  MonoTime deadline;  // zero: none
  bool timeout_result;
  bool result = false;
  bool done = false;
  std::list<Waiter*>::iterator position = {};
  Loop::TimerId timer = 0;
  std::coroutine_handle<> handle = {};
  StopCallback on_stop = {};

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) {
    handle = waiting;
    if (list) position = list->insert(list->end(), this);
    if (deadline != MonoTime::zero()) {
      timer = loop.call_at(deadline, [this] { finish(timeout_result); });
    }
    on_stop = stop.on_stop([this] { finish(false); });
  }
  bool await_resume() {
    on_stop.reset();
    return result;
  }
  void finish(bool value) {
    if (done) return;
    done = true;
    result = value;
    if (list) list->erase(position);
    loop.cancel(timer);
    loop.post([waiting = handle] { waiting.resume(); });
  }
};

Task<bool> sleep_for(Loop& loop, Duration delay, StopToken stop) {
  if (stop.stop_requested()) co_return false;
  Event::Waiter waiter{loop, nullptr, std::move(stop), loop.mono() + delay, true};
  bool slept = co_await waiter;
  co_return slept;
}

Event::Event(Loop& loop) : loop_(loop) {}
Event::~Event() { assert(waiters_.empty()); }

void Event::set() {
  set_ = true;
  while (!waiters_.empty()) waiters_.front()->finish(true);
}

void Event::reset() { set_ = false; }
bool Event::is_set() const { return set_; }

Task<bool> Event::wait(StopToken stop, Duration timeout) {
  if (set_) co_return true;
  if (stop.stop_requested()) co_return false;
  MonoTime deadline = timeout == Duration::zero() ? MonoTime::zero() : loop_.mono() + timeout;
  Waiter waiter{loop_, &waiters_, std::move(stop), deadline, false};
  bool result = co_await waiter;
  co_return result;
}

}  // namespace tiphys
