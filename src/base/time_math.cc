#include "base/time_math.h"

#include <algorithm>

namespace tiphys {

Duration bounded_seconds(int64_t seconds) {
  constexpr int64_t kCentury = 100LL * 365 * 86400;
  return std::chrono::seconds(std::clamp(seconds, -kCentury, kCentury));
}

MicroTime seconds_after(MicroTime time, int64_t seconds) {
  constexpr int64_t kMost = 10'000LL * 366 * 86400;  // past either end from anywhere between
  constexpr MicroTime kEarliest = -62'135'596'800 * kMicrosPerSecond;  // 0001-01-01T00:00:00Z
  constexpr MicroTime kLatest = 253'402'300'799 * kMicrosPerSecond;    // 9999-12-31T23:59:59Z
  time = std::clamp(time, kEarliest, kLatest);
  time += std::clamp(seconds, -kMost, kMost) * kMicrosPerSecond;
  return std::clamp(time, kEarliest, kLatest);
}

Duration time_between(MicroTime from, MicroTime to) {
  constexpr int64_t kNanosPerMicro = 1000;
  MicroTime micros = 0;
  int64_t nanos = 0;
  bool fits = !__builtin_sub_overflow(to, from, &micros) &&
              !__builtin_mul_overflow(micros, kNanosPerMicro, &nanos);
  if (fits) return Duration(nanos);
  return to > from ? Duration::max() : Duration::min();
}

}  // namespace tiphys
