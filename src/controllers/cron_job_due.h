// Which start of a schedule is due, and when to look again. Pure.
// Source: https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#job-creation
#pragma once
#include <optional>

#include "kinds/cron_times.h"

namespace tiphys::controllers {

struct CronDue {
  std::optional<MicroTime> latest;  // the last of the starts that were missed
  bool missed = false;              // some were, though perhaps long ago
  bool too_many = false;            // more than a hundred, about
  bool never = false;               // the schedule does not come round twice in five years
};

// Starts after `since` that are due by now. How many is estimated by the time between the first
// two; an estimate too high for an irregular schedule may find no latest one, as upstream's.
CronDue missed_starts(const kinds::CronSchedule& schedule, const kinds::TimeZone& zone,
                      MicroTime since, MicroTime now);

// The time from now until the next start is due, with a little padding for clocks that differ;
// nothing if there is none.
std::optional<Duration> time_to_next_start(const kinds::CronSchedule& schedule,
                                           const kinds::TimeZone& zone, MicroTime since,
                                           MicroTime now);

}  // namespace tiphys::controllers
