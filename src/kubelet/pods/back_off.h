// BackOff: per key, a delay that doubles with each use, after client-go's util/flowcontrol.Backoff:
// 10 s to 5 min unless told otherwise, forgotten once unused for twice the maximum. Pure; times are
// wall times.
#pragma once
#include <algorithm>
#include <map>
#include <string>

#include "base/time.h"

namespace tiphys::kubelet {

class BackOff {
 public:
  static constexpr MicroTime kFirst = 10 * kMicrosPerSecond;
  static constexpr MicroTime kLast = 300 * kMicrosPerSecond;

  // A shorter longest delay shortens the first one too.
  explicit BackOff(MicroTime last = kLast) : first_(std::min(kFirst, last)), last_(last) {}

  // The delay that a next use has to keep; 0: none yet.
  MicroTime delay(const std::string& key) const;
  // When a use is allowed again after something ended at `since`; 0: now.
  MicroTime allowed_at(const std::string& key, MicroTime since, MicroTime now) const;
  // Notes a use: the delay becomes the first one, then doubles.
  void next(const std::string& key, MicroTime now);
  void forget(const std::string& key) { entries_.erase(key); }

 private:
  struct Entry {
    MicroTime delay = 0;
    MicroTime used = 0;
  };
  bool expired(const Entry& entry, MicroTime now) const { return now - entry.used > 2 * last_; }
  MicroTime first_;
  MicroTime last_;
  std::map<std::string, Entry> entries_;
};

}  // namespace tiphys::kubelet
