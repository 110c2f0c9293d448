// FailureBackOff: how long to wait before something that failed is done again: 1 s, doubled each
// time up to 15 min, forgotten after twice that. Pure.
// Source: client-go's util/flowcontrol, as kube-controller-manager sets it up for daemon pods.
#pragma once
#include <string>
#include <unordered_map>

#include "base/time.h"

namespace tiphys::controllers {

class FailureBackOff {
 public:
  static constexpr Duration kFirst = std::chrono::seconds(1);
  static constexpr Duration kLongest = std::chrono::minutes(15);

  // What is left of the wait; zero: none.
  Duration remaining(const std::string& key, MonoTime now) const;
  // A wait begins, longer than the last one.
  void next(const std::string& key, MonoTime now);
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Duration delay;
    MonoTime since;
  };
  void forget_old(MonoTime now);

  std::unordered_map<std::string, Entry> entries_;
  MonoTime swept_{};
};

}  // namespace tiphys::controllers
