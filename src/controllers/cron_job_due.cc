#include "controllers/cron_job_due.h"

namespace tiphys::controllers {

namespace {

constexpr int64_t kManyMissed = 100;
constexpr MicroTime kPadding = kMicrosPerSecond / 10;

}  // namespace

CronDue missed_starts(const kinds::CronSchedule& schedule, const kinds::TimeZone& zone,
                      MicroTime since, MicroTime now) {
  CronDue due;
  std::optional<MicroTime> first = kinds::next_time(schedule, zone, since);
  if (first && now < *first) return due;
  std::optional<MicroTime> second = first ? kinds::next_time(schedule, zone, *first) : first;
  due.never = !second;
  due.missed = first.has_value();
  if (due.never) return due;
  if (now < *second) {
    due.latest = first;
    return due;
  }
  MicroTime interval = *second - *first;
  int64_t count = (now - *first) / interval + 1;
  due.too_many = count > kManyMissed;
  // One interval early: schedules need not be regular.
  std::optional<MicroTime> at = kinds::next_time(schedule, zone, *first + (count - 2) * interval);
  while (at && *at <= now) {
    due.latest = at;
    at = kinds::next_time(schedule, zone, *at);
  }
  return due;
}

std::optional<Duration> time_to_next_start(const kinds::CronSchedule& schedule,
                                           const kinds::TimeZone& zone, MicroTime since,
                                           MicroTime now) {
  CronDue due = missed_starts(schedule, zone, since, now);
  MicroTime from = due.latest ? *due.latest : due.missed || due.never ? now : since;
  std::optional<MicroTime> next = kinds::next_time(schedule, zone, from);
  if (!next) return std::nullopt;
  return std::chrono::microseconds(std::max<MicroTime>(*next + kPadding - now, 1));
}

}  // namespace tiphys::controllers
