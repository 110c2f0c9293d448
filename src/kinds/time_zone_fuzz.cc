// Zoneinfo files: what parses has an offset at any moment, within the period that it names, and
// schedules end there.
#include "kinds/time_zone.h"

#include <cstdlib>

#include "kinds/cron_times.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tiphys::kinds;
  auto zone = TimeZone::parse(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!zone) return 0;
  for (int64_t at : {-62135596800L, -1L, 0L, 1774747800L, 4102444800L, 253402300799L}) {
    TimeZone::Period period = zone->at(at);
    if (period.start > at || period.end <= at) abort();
    format_rfc3339_in(at * 1'000'000, *zone);
    auto next = next_time(*CronSchedule::parse("30 2 29 3 *"), *zone, at * 1'000'000);
    if (next && *next <= at * 1'000'000) abort();
  }
  return 0;
}
