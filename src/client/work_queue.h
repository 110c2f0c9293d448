// WorkQueue: keys to work on, after client-go's util/workqueue: fair (first in, first out), stingy
// (a key is there once; one added while being worked on comes again after done()), with delayed and
// rate-limited adds. Loop thread only.
#pragma once
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>

#include "async/loop.h"
#include "client/queue_metrics.h"

namespace tiphys::client {

class WorkQueue {
 public:
  struct BackOff {
    Duration base = std::chrono::milliseconds(5);
    Duration limit = std::chrono::seconds(1000);
  };
  explicit WorkQueue(Loop& loop);
  WorkQueue(Loop& loop, BackOff back_off);
  ~WorkQueue();

  // Counts from now on under this name. Call it first.
  void count(QueueMetrics& metrics, std::string_view name);
  // Brings the gauges up to date.
  void measure();

  void add(std::string key);
  void add_after(std::string key, Duration delay);  // the earliest of several wins
  // After base * 2^failures; counts a failure of the key.
  void add_rate_limited(std::string key);
  void forget(const std::string& key);  // the key's failures
  int failures(const std::string& key) const;
  // Waits for a key; nothing once shut down. Every key got must be given back with done().
  Task<std::optional<std::string>> get();
  void done(const std::string& key);
  void shut_down();
  size_t size() const { return queue_.size(); }
  // No key waits, is delayed or is being worked on.
  bool idle() const { return dirty_.empty() && processing_.empty() && waiting_.empty(); }

 private:
  // The series of this queue.
  struct Series {
    Counter& adds;
    Gauge& depth;
    Histogram& queue_duration;
    Histogram& work_duration;
    Counter& retries;
    Gauge& unfinished_work;
    Gauge& longest_running;
  };
  void cancel_timers();
  double seconds_since(MonoTime then) const;

  Loop& loop_;
  BackOff back_off_;
  std::deque<std::string> queue_;
  std::unordered_map<std::string, MonoTime> dirty_;       // since when
  std::unordered_map<std::string, MonoTime> processing_;  // since when
  std::unordered_map<std::string, int> failures_;
  std::unordered_map<std::string, std::pair<MonoTime, Loop::TimerId>> waiting_;
  Event ready_;
  std::optional<Series> series_;
  bool shut_down_ = false;
};

}  // namespace tiphys::client
