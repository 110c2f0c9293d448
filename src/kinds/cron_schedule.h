// CronSchedule: the five-field schedules of CronJobs ("*/5 1,2 * JAN-MAR MON", "@daily", "@every
// 1h"), parsed as robfig/cron v3's ParseStandard does, with its words for what is wrong.
//
// A plain value. Pure. Errors are BadRequest. Prefixes TZ= and CRON_TZ= are read; the name of the
// zone must be known (time_zones.h).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace tiphys::kinds {

struct CronSchedule {
  // Bit n: the value n is in the set.
  uint64_t minutes = 0;
  uint64_t hours = 0;
  uint64_t days_of_month = 0;
  uint64_t months = 0;
  uint64_t days_of_week = 0;  // 0: Sunday
  // The field was "*" or "?": if either of the two is, both must match, else one is enough.
  bool any_day_of_month = false;
  bool any_day_of_week = false;
  Duration every{0};      // not zero: "@every", nothing else counts
  std::string time_zone;  // of a prefix; "" if there is none

  static Result<CronSchedule> parse(std::string_view text);
};

}  // namespace tiphys::kinds
