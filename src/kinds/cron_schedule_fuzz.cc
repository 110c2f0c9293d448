// Schedules: whatever parses has a value in each field, or an interval; all else is an error.
#include <cstdlib>

#include "kinds/cron_schedule.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto schedule = tiphys::kinds::CronSchedule::parse(text);
  if (!schedule) {
    if (schedule.error().message().empty()) abort();
    return 0;
  }
  if (schedule->every.count() > 0) return 0;
  bool inside = schedule->minutes < (1ull << 60) && schedule->hours < (1ull << 24) &&
                schedule->days_of_month < (1ull << 32) && schedule->months < (1ull << 13) &&
                schedule->days_of_week < (1ull << 7);
  if (!inside) abort();
  return 0;
}
