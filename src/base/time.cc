#include "base/time.h"

#include <time.h>

namespace tiphys {
namespace {

int64_t nanos_of(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

std::string format_seconds(int64_t seconds) {
  using namespace std::chrono;
  int64_t day = floor_div(seconds, 86400);
  auto of_day = static_cast<int>(seconds - day * 86400);
  // Out of the calendar's range only by a corrupted value: clamp instead of overflowing.
  day = std::clamp<int64_t>(day, -719528, 2932896);
  year_month_day date{sys_days{days{static_cast<int>(day)}}};
  char text[48];
  snprintf(text, sizeof(text), "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
           static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), of_day / 3600,
           of_day / 60 % 60, of_day % 60);
  return text;
}

}  // namespace

MicroTime SystemClock::wall() const { return nanos_of(CLOCK_REALTIME) / 1000; }
MonoTime SystemClock::mono() const { return MonoTime(nanos_of(CLOCK_MONOTONIC)); }

std::string format_rfc3339(MicroTime time) {
  return format_seconds(floor_div(time, kMicrosPerSecond)) + "Z";
}

std::string format_rfc3339_micro(MicroTime time) {
  int64_t seconds = floor_div(time, kMicrosPerSecond);
  char fraction[16];
  snprintf(fraction, sizeof(fraction), ".%06dZ",
           static_cast<int>(time - seconds * kMicrosPerSecond));
  return format_seconds(seconds) + fraction;
}

}  // namespace tiphys
