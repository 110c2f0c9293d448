// SyncPace: when the next transaction may begin. Pure; one thread.
#pragma once
#include <algorithm>

#include "base/time.h"

namespace tiphys::proxy {

// What a transaction is followed by. kByCost: rest for as long as it took, so that it gets half of
// the time at most while changes pour in; for rules of which each change costs the more the more
// there are.
enum class Rest : uint8_t { kNone, kByCost };

class SyncPace {
 public:
  // Upstream's own minSyncPeriod of iptables mode, however few rules there are.
  static constexpr Duration kLongestRest = std::chrono::seconds(1);

  // least: from the begin of one to that of the next.
  SyncPace(Duration least, Rest rest) : least_(least), rest_(rest) {}
  void begin(MonoTime now) {
    begun_ = now;
    next_ = now + least_;
  }
  void end(MonoTime now) {
    if (rest_ == Rest::kNone) return;
    next_ = std::max(next_, now + std::min(now - begun_, kLongestRest));
  }
  MonoTime next() const { return next_; }

 private:
  Duration least_;
  Rest rest_;
  MonoTime begun_{};
  MonoTime next_{};
};

}  // namespace tiphys::proxy
