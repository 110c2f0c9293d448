// A walk from field to field, coarse ones first; a field that wraps round starts over. Hours and
// minutes are added to the moment, days and months to the calendar: so daylight saving changes have
// the effects that robfig/cron documents.
#include "kinds/cron_times.h"

#include <chrono>

namespace tiphys::kinds {
namespace {

constexpr int kYearsAhead = 5;
constexpr int kMaxSteps = 100'000;
constexpr int64_t kMinute = 60;
constexpr int64_t kHour = 3600;
constexpr int64_t kDay = 86400;

int64_t floor_to(int64_t value, int64_t unit) {
  int64_t rest = value % unit;
  return value - (rest < 0 ? rest + unit : rest);
}

bool has(uint64_t set, int value) { return (set >> value & 1) != 0; }

class Walk {
 public:
  Walk(const CronSchedule& schedule, const TimeZone& zone, int64_t from)
      : schedule_(schedule), zone_(zone), now_(from), year_limit_(year() + kYearsAhead) {}

  std::optional<int64_t> run() {
    while (steps_left_ > 0 && year() <= year_limit_) {
      if (find_month() && find_day() && find_hour() && find_minute() && find_second()) return now_;
    }
    return std::nullopt;
  }

 private:
  int64_t local() const { return now_ + zone_.at(now_).offset; }
  std::chrono::year_month_day date() const {
    return std::chrono::sys_days(
        std::chrono::days(static_cast<int>(floor_to(local(), kDay) / kDay)));
  }
  int year() const { return static_cast<int>(date().year()); }
  int month() const { return static_cast<int>(static_cast<unsigned>(date().month())); }
  int day() const { return static_cast<int>(static_cast<unsigned>(date().day())); }
  int64_t of_day() const { return local() - floor_to(local(), kDay); }
  int hour() const { return static_cast<int>(of_day() / kHour); }
  int minute() const { return static_cast<int>(of_day() % kHour / kMinute); }
  int second() const { return static_cast<int>(of_day() % kMinute); }

  // The local time's part below `unit` is dropped, once.
  void start_of(int64_t unit) {
    if (!exchange_reset()) now_ = zone_.from_local(floor_to(local(), unit));
  }
  bool exchange_reset() {
    bool before = reset_;
    reset_ = true;
    return before;
  }
  void set_date(std::chrono::sys_days day) {
    now_ = zone_.from_local(day.time_since_epoch().count() * kDay + of_day());
  }

  // A walk through odd zones ends, too.
  bool step() { return --steps_left_ > 0; }

  bool find_month() {
    while (!has(schedule_.months, month())) {
      if (!step()) return false;
      if (!exchange_reset()) {
        int64_t first =
            std::chrono::sys_days(date().year() / date().month() / 1).time_since_epoch().count();
        now_ = zone_.from_local(first * kDay);
      }
      std::chrono::year_month next = date().year() / date().month() + std::chrono::months(1);
      set_date(std::chrono::sys_days(next / 1));
      if (month() == 1) return false;
    }
    return true;
  }

  bool day_matches() const {
    bool of_month = has(schedule_.days_of_month, day());
    std::chrono::weekday today{std::chrono::sys_days(date())};
    bool of_week = has(schedule_.days_of_week, static_cast<int>(today.c_encoding()));
    bool any = schedule_.any_day_of_month || schedule_.any_day_of_week;
    return any ? of_month && of_week : of_month || of_week;
  }

  bool find_day() {
    while (!day_matches()) {
      if (!step()) return false;
      start_of(kDay);
      set_date(std::chrono::sys_days(date()) + std::chrono::days(1));
      // Where midnight does not exist or comes twice.
      int shown = hour();
      if (shown > 12) {
        now_ += (24 - shown) * kHour;
      } else {
        now_ -= shown * kHour;
      }
      if (day() == 1) return false;
    }
    return true;
  }

  bool find_hour() {
    while (!has(schedule_.hours, hour())) {
      if (!step()) return false;
      start_of(kHour);
      now_ += kHour;
      if (hour() == 0) return false;
    }
    return true;
  }

  bool find_minute() {
    while (!has(schedule_.minutes, minute())) {
      if (!step()) return false;
      if (!exchange_reset()) now_ = floor_to(now_, kMinute);
      now_ += kMinute;
      if (minute() == 0) return false;
    }
    return true;
  }

  bool find_second() {
    while (second() != 0) {
      if (!step()) return false;
      reset_ = true;
      ++now_;
      if (second() == 0) return false;
    }
    return true;
  }

  const CronSchedule& schedule_;
  const TimeZone& zone_;
  int64_t now_;
  int year_limit_;
  int steps_left_ = kMaxSteps;
  bool reset_ = false;  // a field was moved on: what is finer starts at its beginning
};

}  // namespace

std::optional<MicroTime> next_time(const CronSchedule& schedule, const TimeZone& zone,
                                   MicroTime after) {
  int64_t seconds = floor_to(after, kMicrosPerSecond) / kMicrosPerSecond;
  if (schedule.every.count() > 0) {
    seconds += std::chrono::duration_cast<std::chrono::seconds>(schedule.every).count();
    return seconds * kMicrosPerSecond;
  }
  // "," is a field without values.
  bool never = schedule.minutes == 0 || schedule.hours == 0 || schedule.months == 0;
  if (never) return std::nullopt;
  std::optional<int64_t> found = Walk(schedule, zone, seconds + 1).run();
  // A made-up zone can set its clocks back by more than a schedule's step.
  if (!found || *found <= seconds) return std::nullopt;
  return *found * kMicrosPerSecond;
}

}  // namespace tiphys::kinds
