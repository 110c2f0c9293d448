// TimeZone: the offsets from UTC that a place has had and will have, as a zoneinfo file (TZif,
// RFC 9636) tells them. A plain value. Pure.
//
// Errors are BadRequest; the bytes may be anything.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace tiphys::kinds {

class TimeZone {
 public:
  // From `start` until before `end` (seconds since the epoch) local time is UTC + `offset` seconds.
  struct Period {
    int32_t offset = 0;
    int64_t start = INT64_MIN;
    int64_t end = INT64_MAX;
  };

  TimeZone() = default;  // UTC
  static Result<TimeZone> parse(std::string_view tzif);

  Period at(int64_t seconds) const;
  // The moment at which clocks show that local time, given as seconds as if it were UTC. Of a time
  // that is skipped or comes twice: one that is right on one side of the change, chosen as Go's
  // time.Date does.
  int64_t from_local(int64_t local) const;

 private:
  // The day of a change in any year, and the local time of it.
  struct Rule {
    enum class Kind : uint8_t { kMonthWeekDay, kJulian, kDayOfYear };
    Kind kind = Kind::kMonthWeekDay;
    int month = 1;
    int week = 1;
    int day = 0;
    int32_t seconds = 2 * 3600;
  };
  // What holds after the last transition (a POSIX TZ string).
  struct Forever {
    int32_t standard = 0;
    int32_t daylight = 0;
    bool changes = false;
    Rule to_daylight;
    Rule to_standard;
  };
  struct Transition {
    int64_t at = 0;
    int32_t offset = 0;
  };
  friend class PosixRules;

  static int64_t moment(const Rule& rule, int year, int32_t offset);
  static Period period_by_rules(const Forever& rules, int64_t seconds, int64_t since);

  int32_t first_offset_ = 0;
  std::vector<Transition> transitions_;
  std::optional<Forever> forever_;
};

// "2006-01-02T15:04:05+02:00", "Z" instead of an offset of zero.
std::string format_rfc3339_in(MicroTime time, const TimeZone& zone);

}  // namespace tiphys::kinds
