#include "client/work_queue.h"

#include <algorithm>

namespace tiphys::client {

namespace {

// A century; more is as good as never, and would overflow the clock.
constexpr Duration kLongestDelay = std::chrono::hours(100 * 365 * 24);

}  // namespace

WorkQueue::WorkQueue(Loop& loop) : WorkQueue(loop, BackOff()) {}
WorkQueue::WorkQueue(Loop& loop, BackOff back_off)
    : loop_(loop), back_off_(back_off), ready_(loop) {}

WorkQueue::~WorkQueue() { cancel_timers(); }

void WorkQueue::cancel_timers() {
  for (const auto& [key, waiting] : waiting_) loop_.cancel(waiting.second);
  waiting_.clear();
}

void WorkQueue::count(QueueMetrics& metrics, std::string_view name) {
  series_.emplace(metrics.adds.with({name}), metrics.depth.with({name}),
                  metrics.queue_duration.with({name}), metrics.work_duration.with({name}),
                  metrics.retries.with({name}), metrics.unfinished_work.with({name}),
                  metrics.longest_running.with({name}));
}

double WorkQueue::seconds_since(MonoTime then) const {
  return std::chrono::duration<double>(loop_.mono() - then).count();
}

void WorkQueue::measure() {
  if (!series_) return;
  double all = 0;
  double longest = 0;
  for (const auto& [key, since] : processing_) {
    all += seconds_since(since);
    longest = std::max(longest, seconds_since(since));
  }
  series_->depth.set(static_cast<double>(queue_.size()));
  series_->unfinished_work.set(all);
  series_->longest_running.set(longest);
}

void WorkQueue::add(std::string key) {
  if (shut_down_ || !dirty_.try_emplace(key, loop_.mono()).second) return;
  if (series_) series_->adds.add();
  if (processing_.contains(key)) return;  // done() queues it again
  queue_.push_back(std::move(key));
  ready_.set();
}

void WorkQueue::add_after(std::string key, Duration delay) {
  if (shut_down_) return;
  if (delay <= Duration::zero()) return add(std::move(key));
  MonoTime when = loop_.mono() + std::min(delay, kLongestDelay);
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
  if (series_) series_->retries.add();
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
  auto waited = dirty_.find(key);
  if (series_) series_->queue_duration.observe(seconds_since(waited->second));
  dirty_.erase(waited);
  processing_.emplace(key, loop_.mono());
  co_return key;
}

void WorkQueue::done(const std::string& key) {
  auto worked = processing_.find(key);
  if (worked == processing_.end()) return;
  if (series_) series_->work_duration.observe(seconds_since(worked->second));
  processing_.erase(worked);
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
