// What a probe's results add up to: successThreshold and failureThreshold in a row. Pure.
#pragma once
#include <cstdint>
#include <optional>

#include "kinds/core_v1.h"

namespace tiphys::kubelet {

class ProbeStreak {
 public:
  explicit ProbeStreak(core_v1::Probe probe)
      : successes_(at_least_one(probe.success_threshold(), 1)),
        failures_(at_least_one(probe.failure_threshold(), 3)) {}

  // The verdict, once there were enough results of its kind in a row.
  std::optional<bool> add(bool ok) {
    length_ = ok == last_ ? length_ + 1 : 1;
    last_ = ok;
    if (length_ < (ok ? successes_ : failures_)) return std::nullopt;
    return ok;
  }

 private:
  static int32_t at_least_one(int32_t value, int32_t fallback) {
    return value > 0 ? value : fallback;
  }
  int32_t successes_;
  int32_t failures_;
  int64_t length_ = 0;
  bool last_ = false;
};

}  // namespace tiphys::kubelet
