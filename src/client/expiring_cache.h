// ExpiringCache: answers that are remembered until a time, at most so many; the oldest makes room.
//
//   ExpiringCache<bool> answers(4096);
//   answers.put(key, true, clock.mono() + std::chrono::minutes(5));
//   const bool* known = answers.find(key, clock.mono());
//
// One thread. Times are the caller's.
#pragma once
#include <list>
#include <map>
#include <string>
#include <utility>

#include "base/time.h"

namespace tiphys::client {

template <class Value>
class ExpiringCache {
 public:
  explicit ExpiringCache(size_t capacity) : capacity_(capacity) {}

  // Null: not known, or no longer. Valid until the next call.
  const Value* find(const std::string& key, MonoTime now) {
    auto found = entries_.find(key);
    if (found == entries_.end()) return nullptr;
    if (found->second.until <= now) {
      forget(found);
      return nullptr;
    }
    return &found->second.value;
  }

  void put(const std::string& key, Value value, MonoTime until) {
    auto found = entries_.find(key);
    if (found != entries_.end()) forget(found);
    if (capacity_ == 0) return;
    if (entries_.size() >= capacity_) forget(entries_.find(order_.front()));
    order_.push_back(key);
    entries_.emplace(key, Entry{std::move(value), until, std::prev(order_.end())});
  }

  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Value value;
    MonoTime until;
    std::list<std::string>::iterator place;
  };
  void forget(typename std::map<std::string, Entry>::iterator entry) {
    order_.erase(entry->second.place);
    entries_.erase(entry);
  }

  size_t capacity_;
  std::map<std::string, Entry> entries_;
  std::list<std::string> order_;  // the oldest first
};

}  // namespace tiphys::client
