// Clocks and time values. Logic never reads a clock itself: it is given one of these.
//
// Wall times are int64 microseconds since the Unix epoch (MicroTime), the precision of the API's
// MicroTime; an API Time uses whole seconds of it. Durations and monotonic times are nanoseconds.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>

#include "base/result.h"

namespace tiphys {

using MicroTime = int64_t;  // wall clock, microseconds since 1970-01-01T00:00:00Z
using Duration = std::chrono::nanoseconds;
using MonoTime = std::chrono::nanoseconds;  // since an arbitrary start

inline constexpr MicroTime kMicrosPerSecond = 1'000'000;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual MicroTime wall() const = 0;  // may jump
  virtual MonoTime mono() const = 0;   // never goes back
};

// The machine's clocks; thread-safe, stateless.
class SystemClock : public Clock {
 public:
  MicroTime wall() const override;
  MonoTime mono() const override;
};

// "2006-01-02T15:04:05Z" (fraction dropped, as metav1.Time writes it).
std::string format_rfc3339(MicroTime time);
// "2006-01-02T15:04:05.000000Z" (as metav1.MicroTime writes it).
std::string format_rfc3339_micro(MicroTime time);
// RFC 3339 with any offset and fraction (digits past microseconds are dropped). Error: BadRequest
// with Go's wording: parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse ...
Result<MicroTime> parse_rfc3339(std::string_view text);
// Go's Duration.String() and time.ParseDuration ("1h2m3.5s"). Error: BadRequest, Go's wording.
std::string format_go_duration(Duration duration);
Result<Duration> parse_go_duration(std::string_view text);

}  // namespace tiphys
