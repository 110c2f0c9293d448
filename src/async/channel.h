// Channel<T>: a bounded queue between tasks of one loop. Closing wakes both sides.
#pragma once
#include <deque>
#include <optional>

#include "async/loop.h"

namespace tiphys {

template <class T>
class Channel {
 public:
  Channel(Loop& loop, size_t capacity) : capacity_(capacity), readable_(loop), writable_(loop) {
    writable_.set();
  }
  // False if full or closed; the value is then dropped.
  bool try_push(T value) {
    if (closed_ || items_.size() >= capacity_) return false;
    items_.push_back(std::move(value));
    readable_.set();
    if (items_.size() >= capacity_) writable_.reset();
    return true;
  }
  // Waits for room. False if closed or stopped first.
  Task<bool> push(T value, StopToken stop = {}) {
    while (!closed_ && items_.size() >= capacity_) {
      bool ready = co_await writable_.wait(stop);
      if (!ready) co_return false;
    }
    co_return try_push(std::move(value));
  }
  std::optional<T> try_pop() {
    if (items_.empty()) return std::nullopt;
    std::optional<T> value(std::move(items_.front()));
    items_.pop_front();
    if (!closed_) writable_.set();
    if (items_.empty() && !closed_) readable_.reset();
    return value;
  }
  // Waits for a value. Nothing once closed and drained, or stopped.
  Task<std::optional<T>> pop(StopToken stop = {}) {
    while (items_.empty() && !closed_) {
      bool ready = co_await readable_.wait(stop);
      if (!ready) co_return std::nullopt;
    }
    co_return try_pop();
  }
  void close() {
    closed_ = true;
    readable_.set();
    writable_.set();
  }
  bool closed() const { return closed_; }
  size_t size() const { return items_.size(); }

 private:
  size_t capacity_;
  bool closed_ = false;
  std::deque<T> items_;
  Event readable_;
  Event writable_;
};

}  // namespace tiphys
