// TimerQueue: the timers of a loop, ordered by time and then by creation. Loop thread only.
#pragma once
#include <map>
#include <optional>
#include <unordered_map>

#include "async/loop.h"

namespace tiphys {

class TimerQueue {
 public:
  Loop::TimerId add(MonoTime when, Loop::Callback callback) {
    Loop::TimerId id = ++last_;
    times_.emplace(id, when);
    timers_.emplace(Key{when, id}, std::move(callback));
    return id;
  }
  void cancel(Loop::TimerId id) {
    auto time = times_.find(id);
    if (time == times_.end()) return;
    timers_.erase(Key{time->second, id});
    times_.erase(time);
  }
  std::optional<MonoTime> next_time() const {
    if (timers_.empty()) return std::nullopt;
    return timers_.begin()->first.first;
  }
  // Takes out the first timer that is due at `now`; empty if none is.
  Loop::Callback take_due(MonoTime now) {
    if (timers_.empty() || timers_.begin()->first.first > now) return {};
    auto first = timers_.extract(timers_.begin());
    times_.erase(first.key().second);
    return std::move(first.mapped());
  }
  bool empty() const { return timers_.empty(); }
  Loop::TimerId last_id() const { return last_; }

 private:
  using Key = std::pair<MonoTime, Loop::TimerId>;
  std::map<Key, Loop::Callback> timers_;
  std::unordered_map<Loop::TimerId, MonoTime> times_;
  Loop::TimerId last_ = 0;
};

}  // namespace tiphys
