#include "client/work_queue.h"

#include <algorithm>

namespace tiphys::client {

WorkQueue::WorkQueue(Loop& loop) : WorkQueue(loop, BackOff()) {}
WorkQueue::WorkQueue(Loop& loop, BackOff back_off)
    : loop_(loop), back_off_(back_off), ready_(loop) {}

WorkQueue::~WorkQueue() { cancel_timers(); }

void WorkQueue::cancel_timers() {
  for (const auto& [key, waiting] : waiting_) loop_.cancel(waiting.second);
  waiting_.clear();
}

void WorkQueue::add(std::string key) {
  if (shut_down_ || !dirty_.insert(key).second) return;
  if (processing_.contains(key)) return;  // done() queues it again
  queue_.push_back(std::move(key));
  ready_.set();
}

void WorkQueue::add_after(std::string key, Duration delay) {
  if (shut_down_) return;
  if (delay <= Duration::zero()) return add(std::move(key));
  MonoTime when = loop_.mono() + delay;
  auto [entry, added] = waiting_.try_emplace(key, when, Loop::TimerId(0));
  if (!added) {
    if (entry->second.first <= when) return;
    loop_.cancel(entry->second.second);
  }
  Loop::TimerId timer = loop_.call_at(when, [this, key] {
    waiting_.erase(key);
    add(key);
  });
  entry->second = {when, timer};
}

void WorkQueue::add_rate_limited(std::string key) {
  int failed = failures_[key]++;
  // Beyond 2^40 any base has passed any limit.
  double factor = static_cast<double>(int64_t{1} << std::min(failed, 40));
  double delay = static_cast<double>(back_off_.base.count()) * factor;
  double limit = static_cast<double>(back_off_.limit.count());
  add_after(std::move(key), Duration(static_cast<int64_t>(std::min(delay, limit))));
}

void WorkQueue::forget(const std::string& key) { failures_.erase(key); }

int WorkQueue::failures(const std::string& key) const {
  auto found = failures_.find(key);
  return found == failures_.end() ? 0 : found->second;
}

Task<std::optional<std::string>> WorkQueue::get() {
  while (queue_.empty() && !shut_down_) {
    co_await ready_.wait();
  }
  if (shut_down_) co_return std::nullopt;
  std::string key = std::move(queue_.front());
  queue_.pop_front();
  if (queue_.empty()) ready_.reset();
  dirty_.erase(key);
  processing_.insert(key);
  co_return key;
}

void WorkQueue::done(const std::string& key) {
  processing_.erase(key);
  if (shut_down_ || !dirty_.contains(key)) return;
  queue_.push_back(key);
  ready_.set();
}

void WorkQueue::shut_down() {
  shut_down_ = true;
  cancel_timers();
  ready_.set();
}

}  // namespace tiphys::client
