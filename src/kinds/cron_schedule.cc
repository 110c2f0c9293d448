#include "kinds/cron_schedule.h"

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "base/strings.h"
#include "kinds/time_zones.h"

namespace tiphys::kinds {
namespace {

constexpr size_t kFieldCount = 5;
constexpr std::string_view kEvery = "@every ";

constexpr std::string_view kMonths[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                        "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::string_view kDays[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

struct Bounds {
  int64_t min;
  int64_t max;
  std::span<const std::string_view> names = {};  // the first is `min`
};

constexpr Bounds kMinuteBounds{0, 59};
constexpr Bounds kHourBounds{0, 23};
constexpr Bounds kDayBounds{1, 31};
const Bounds kMonthBounds{1, 12, kMonths};
const Bounds kWeekdayBounds{0, 6, kDays};

struct Set {
  uint64_t bits = 0;
  bool any = false;
};

ApiStatus bad(std::string message) { return ApiStatus::bad_request(message); }

std::string joined(std::string_view text) { return std::string(text); }

// A number, with Go's words for what is none.
Result<int64_t> parse_number(std::string_view text) {
  std::string_view digits = text;
  if (!digits.empty() && (digits.front() == '+' || digits.front() == '-')) digits.remove_prefix(1);
  bool number = !digits.empty();
  for (char c : digits) number = number && c >= '0' && c <= '9';
  std::string prefix =
      "failed to parse int from " + joined(text) + ": strconv.Atoi: parsing " + go_quote(text);
  if (!number) return bad(prefix + ": invalid syntax");
  std::optional<int64_t> value = parse_int(text.front() == '+' ? digits : text);
  if (!value) return bad(prefix + ": value out of range");
  if (*value < 0) {
    return bad("negative number (" + std::to_string(*value) + ") not allowed: " + joined(text));
  }
  return *value;
}

Result<int64_t> parse_value(std::string_view text, const Bounds& bounds) {
  std::string lower = to_lower(text);
  for (size_t i = 0; i < bounds.names.size(); ++i) {
    if (bounds.names[i] == lower) return bounds.min + static_cast<int64_t>(i);
  }
  return parse_number(text);
}

struct Range {
  int64_t start = 0;
  int64_t end = 0;
  int64_t step = 1;
  bool any = false;
};

Result<void> read_ends(std::string_view text, std::string_view whole, const Bounds& bounds,
                       Range& range) {
  std::vector<std::string_view> ends = split(text, '-');
  if (ends[0] == "*" || ends[0] == "?") {
    range = {bounds.min, bounds.max, 1, true};
    return {};
  }
  Result<int64_t> start = parse_value(ends[0], bounds);
  if (!start) return start.error();
  range.start = range.end = *start;
  if (ends.size() > 2) return bad("too many hyphens: " + joined(whole));
  if (ends.size() == 2) {
    Result<int64_t> end = parse_value(ends[1], bounds);
    if (!end) return end.error();
    range.end = *end;
  }
  return {};
}

Result<void> check_range(const Range& range, std::string_view text, const Bounds& bounds) {
  std::string start = std::to_string(range.start);
  std::string end = std::to_string(range.end);
  if (range.start < bounds.min) {
    return bad("beginning of range (" + start + ") below minimum (" + std::to_string(bounds.min) +
               "): " + joined(text));
  }
  if (range.end > bounds.max) {
    return bad("end of range (" + end + ") above maximum (" + std::to_string(bounds.max) +
               "): " + joined(text));
  }
  if (range.start > range.end) {
    return bad("beginning of range (" + start + ") beyond end of range (" + end +
               "): " + joined(text));
  }
  if (range.step == 0) return bad("step of range should be a positive number: " + joined(text));
  return {};
}

// number | number "-" number [ "/" number ], names for numbers, "*" and "?".
Result<void> read_range(std::string_view text, const Bounds& bounds, Set& set) {
  std::vector<std::string_view> parts = split(text, '/');
  Range range;
  Result<void> ends = read_ends(parts[0], text, bounds, range);
  if (!ends) return ends.error();
  if (parts.size() > 2) return bad("too many slashes: " + joined(text));
  if (parts.size() == 2) {
    Result<int64_t> step = parse_number(parts[1]);
    if (!step) return step.error();
    range.step = *step;
    // "N/step" means "N-max/step".
    if (parts[0].find('-') == std::string_view::npos) range.end = bounds.max;
    if (range.step > 1) range.any = false;
  }
  Result<void> valid = check_range(range, text, bounds);
  if (!valid) return valid.error();
  set.any |= range.any;
  for (int64_t i = range.start; i <= range.end; i += range.step) {
    set.bits |= uint64_t{1} << i;
    if (range.step > bounds.max) break;
  }
  return {};
}

Result<Set> read_field(std::string_view text, const Bounds& bounds) {
  Set set;
  for (std::string_view part : split(text, ',')) {
    if (part.empty()) continue;
    Result<void> read = read_range(part, bounds, set);
    if (!read) return read.error();
  }
  return set;
}

std::vector<std::string_view> fields_of(std::string_view text) {
  std::vector<std::string_view> fields;
  size_t at = 0;
  constexpr std::string_view kSpace = " \t\n\v\f\r";
  while ((at = text.find_first_not_of(kSpace, at)) != std::string_view::npos) {
    size_t end = std::min(text.find_first_of(kSpace, at), text.size());
    fields.push_back(text.substr(at, end - at));
    at = end;
  }
  return fields;
}

struct Descriptor {
  std::string_view name;
  std::string_view fields;
};

constexpr Descriptor kDescriptors[] = {{"@yearly", "0 0 1 1 *"},  {"@annually", "0 0 1 1 *"},
                                       {"@monthly", "0 0 1 * *"}, {"@weekly", "0 0 * * 0"},
                                       {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
                                       {"@hourly", "0 * * * *"}};

Result<void> read_fields(std::string_view text, CronSchedule& schedule) {
  std::vector<std::string_view> fields = fields_of(text);
  if (fields.size() != kFieldCount) {
    std::string list;
    for (std::string_view field : fields) list += (list.empty() ? "" : " ") + std::string(field);
    return bad("expected exactly 5 fields, found " + std::to_string(fields.size()) + ": [" + list +
               "]");
  }
  const Bounds* bounds[] = {&kMinuteBounds, &kHourBounds, &kDayBounds, &kMonthBounds,
                            &kWeekdayBounds};
  Set sets[kFieldCount];
  for (size_t i = 0; i < kFieldCount; ++i) {
    Result<Set> set = read_field(fields[i], *bounds[i]);
    if (!set) return set.error();
    sets[i] = *set;
  }
  schedule.minutes = sets[0].bits;
  schedule.hours = sets[1].bits;
  schedule.days_of_month = sets[2].bits;
  schedule.months = sets[3].bits;
  schedule.days_of_week = sets[4].bits;
  schedule.any_day_of_month = sets[2].any;
  schedule.any_day_of_week = sets[4].any;
  return {};
}

Result<void> read_descriptor(std::string_view text, CronSchedule& schedule) {
  for (const Descriptor& descriptor : kDescriptors) {
    if (descriptor.name == text) return read_fields(descriptor.fields, schedule);
  }
  if (!text.starts_with(kEvery)) return bad("unrecognized descriptor: " + joined(text));
  Result<Duration> every = parse_go_duration(text.substr(kEvery.size()));
  if (!every) {
    return bad("failed to parse duration " + joined(text) + ": " + every.error().message());
  }
  // Whole seconds, at least one.
  constexpr Duration kSecond = std::chrono::seconds(1);
  schedule.every = std::max(*every - *every % kSecond, kSecond);
  return {};
}

}  // namespace

Result<CronSchedule> CronSchedule::parse(std::string_view text) {
  CronSchedule schedule;
  if (text.empty()) return bad("empty spec string");
  if (text.starts_with("TZ=") || text.starts_with("CRON_TZ=")) {
    size_t start = text.find('=') + 1;
    size_t end = text.find(' ');
    if (end == std::string_view::npos) {
      return bad("invalid schedule format: runtime error: slice bounds out of range [:-1]");
    }
    schedule.time_zone = std::string(text.substr(start, end - start));
    if (!is_time_zone(schedule.time_zone)) {
      return bad("provided bad location " + schedule.time_zone + ": unknown time zone " +
                 schedule.time_zone);
    }
    text = trim(text.substr(end));
  }
  Result<void> read =
      text.starts_with('@') ? read_descriptor(text, schedule) : read_fields(text, schedule);
  if (!read) return read.error();
  return schedule;
}

}  // namespace tiphys::kinds
