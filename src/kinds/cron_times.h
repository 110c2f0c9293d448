// When a schedule comes round, as robfig/cron v3 finds it. Pure.
#pragma once
#include <optional>

#include "base/time.h"
#include "kinds/cron_schedule.h"
#include "kinds/time_zone.h"

namespace tiphys::kinds {

// The first time of the schedule after `after`, in whole seconds; nothing if there is none in
// five years (31 February). In local time of `zone`: an hour that is skipped when clocks go forward
// has no starts, one that comes twice has them twice. The schedule's own TZ= is the caller's to
// turn into `zone`.
std::optional<MicroTime> next_time(const CronSchedule& schedule, const TimeZone& zone,
                                   MicroTime after);

}  // namespace tiphys::kinds
