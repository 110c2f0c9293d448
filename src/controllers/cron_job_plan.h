// A look at one CronJob and its Jobs: what to start, stop, clean up and write down. Pure.
// Source: https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/
//
// A Job is named after the minute it was scheduled for and annotated with the time, so whatever
// happened between its creation and the status (a lost answer, a restart), it is recognised as
// started and never started twice.
#pragma once
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "controllers/action.h"
#include "kinds/batch_v1.h"
#include "kinds/cron_schedule.h"
#include "kinds/time_zone.h"

namespace tiphys::controllers {

// What this process has done for a CronJob that its status may not tell yet.
struct CronJobMemory {
  std::string uid;
  MicroTime started = 0;          // the latest scheduled time that a Job was made for
  std::set<std::string> removed;  // uids of Jobs that were deleted
};

struct CronJobWorld {
  ObjectPtr owner;
  std::vector<ObjectPtr> jobs;  // that it controls
  CronJobMemory memory;
  std::function<ObjectPtr(std::string_view name)> job_named;  // in its namespace, anyone's
  // The Jobs' cache reflects that resource version.
  std::function<bool(std::string_view resource_version)> jobs_reflect;
  std::function<Result<const kinds::TimeZone*>(std::string_view name)> zone;
};

inline constexpr std::string_view kScheduledTimestamp =
    "batch.kubernetes.io/cronjob-scheduled-timestamp";

// Actions tagged "start" make a Job, those tagged "remove" delete one.
Decision plan_cron_job(const CronJobWorld& world, MicroTime now);

// The time that the Job was made for by the CronJob's controller; nothing: not by it.
std::optional<MicroTime> scheduled_time(const Object& cron_job, const Object& job);

// When nothing else happens: the time until its next start, by spec, creation and last start.
struct CronTiming {
  kinds::CronSchedule schedule;
  const kinds::TimeZone* zone = nullptr;
  MicroTime since = 0;  // its last start, else its creation
};
// Error: BadRequest, what is wrong with the schedule or its zone.
Result<CronTiming> timing_of(
    const batch_v1::CronJob& cron_job,
    const std::function<Result<const kinds::TimeZone*>(std::string_view name)>& zones);

}  // namespace tiphys::controllers
