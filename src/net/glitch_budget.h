// GlitchBudget: how much odd behaviour of an HTTP/2 peer is borne: a bucket that refills slowly.
//
// Each RST_STREAM, PING, SETTINGS, PRIORITY and empty frame of a peer costs one: rare from good
// clients, by the thousand in floods (CVE-2019-9512, -9514, -9515, -9518, CVE-2023-44487). Pure.
#pragma once
#include <algorithm>

#include "base/time.h"

namespace tiphys::net {

inline constexpr int64_t kGlitchBurst = 1000;
inline constexpr int64_t kGlitchesPerSecond = 50;

class GlitchBudget {
 public:
  explicit GlitchBudget(MonoTime now) : last_(now) {}
  // False once the budget is spent.
  bool charge(MonoTime now, int64_t cost = 1) {
    int64_t refill = (now - last_) / (Duration(std::chrono::seconds(1)) / kGlitchesPerSecond);
    if (refill > 0) {
      left_ = std::min(kGlitchBurst, left_ + refill);
      last_ = now;
    }
    left_ = std::max<int64_t>(left_ - cost, -1);
    return left_ >= 0;
  }

 private:
  int64_t left_ = kGlitchBurst;
  MonoTime last_;
};

}  // namespace tiphys::net
