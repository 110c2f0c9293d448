// FakeSink: a sink for tests that keeps its lines, fails or blocks when told to. Thread-safe.
#pragma once
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "apiserver/audit/sink.h"

namespace tiphys::apiserver::audit {

class FakeSink : public Sink {
 public:
  Result<void> write(std::string_view line) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !blocked_; });
    if (fails_) return ApiStatus::internal("disk full");
    lines_.emplace_back(line);
    return {};
  }
  void block(bool blocked) {
    std::lock_guard lock(mutex_);
    blocked_ = blocked;
    changed_.notify_all();
  }
  void fail(bool fails) {
    std::lock_guard lock(mutex_);
    fails_ = fails;
  }
  std::vector<std::string> lines() {
    std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool blocked_ = false;
  bool fails_ = false;
  std::vector<std::string> lines_;
};

}  // namespace tiphys::apiserver::audit
