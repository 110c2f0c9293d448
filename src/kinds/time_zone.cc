// What is read off a zoneinfo file, and where a moment falls. The rules after the last transition
// are read by posix_rules.h.
#include "kinds/time_zone.h"

#include <algorithm>
#include <chrono>

#include "kinds/posix_rules.h"

namespace tiphys::kinds {
namespace {

constexpr size_t kMaxFile = 1 << 20;
constexpr size_t kHeader = 44;
constexpr int64_t kDay = 86400;
constexpr int32_t kMaxOffset = 26 * 3600;  // RFC 9636: no more than 25:59:59

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  bool skip(size_t count) {
    if (count > bytes_.size()) return false;
    bytes_.remove_prefix(count);
    return true;
  }
  // Big-endian, signed. Requires: enough bytes are left.
  int64_t number(size_t width) {
    uint64_t value = static_cast<unsigned char>(bytes_[0]) & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < width; ++i) {
      value = value << 8 | static_cast<unsigned char>(bytes_[i]);
    }
    bytes_.remove_prefix(width);
    return static_cast<int64_t>(value);
  }
  size_t left() const { return bytes_.size(); }
  std::string_view rest() const { return bytes_; }

 private:
  std::string_view bytes_;
};

struct Header {
  char version = 0;
  size_t utc = 0, standard = 0, leaps = 0, times = 0, types = 0, characters = 0;

  // Of the data after it, with times of that many bytes.
  size_t data_size(size_t width) const {
    return times * (width + 1) + types * 6 + characters + leaps * (width + 4) + standard + utc;
  }
};

std::optional<Header> read_header(Reader& reader) {
  if (reader.left() < kHeader || !reader.rest().starts_with("TZif")) return std::nullopt;
  Header header;
  header.version = reader.rest()[4];
  reader.skip(20);
  for (size_t* count : {&header.utc, &header.standard, &header.leaps, &header.times, &header.types,
                        &header.characters}) {
    int64_t value = reader.number(4);
    if (value < 0 || value > static_cast<int64_t>(kMaxFile)) return std::nullopt;
    *count = static_cast<size_t>(value);
  }
  return header;
}

ApiStatus malformed() { return ApiStatus::bad_request("malformed time zone information"); }

int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

// Far away moments have the rules of the calendar's ends.
int year_of(int64_t seconds) {
  using namespace std::chrono;
  int64_t day = std::clamp<int64_t>(floor_div(seconds, kDay), -719528, 2932896);
  return static_cast<int>(year_month_day(sys_days(days(static_cast<int>(day)))).year());
}

}  // namespace

Result<TimeZone> TimeZone::parse(std::string_view tzif) {
  if (tzif.size() > kMaxFile) return malformed();
  Reader reader(tzif);
  std::optional<Header> header = read_header(reader);
  if (!header) return malformed();
  size_t width = 4;
  if (header->version >= '2') {
    // The first block is for readers of version 1.
    if (!reader.skip(header->data_size(width))) return malformed();
    header = read_header(reader);
    width = 8;
  }
  if (!header || header->types == 0 || reader.left() < header->data_size(width)) return malformed();

  TimeZone zone;
  for (size_t i = 0; i < header->times; ++i) {
    zone.transitions_.push_back({.at = reader.number(width), .offset = 0});
  }
  std::vector<size_t> types;
  for (size_t i = 0; i < header->times; ++i) {
    types.push_back(static_cast<size_t>(reader.number(1) & 0xff));
  }
  std::vector<int32_t> offsets;
  for (size_t i = 0; i < header->types; ++i) {
    offsets.push_back(static_cast<int32_t>(reader.number(4)));
    reader.skip(2);
    if (std::abs(int64_t{offsets.back()}) > kMaxOffset) return malformed();
  }
  for (size_t i = 0; i < header->times; ++i) {
    bool ordered = i == 0 || zone.transitions_[i - 1].at < zone.transitions_[i].at;
    if (types[i] >= offsets.size() || !ordered) return malformed();
    zone.transitions_[i].offset = offsets[types[i]];
  }
  zone.first_offset_ = offsets[0];
  if (width == 8) {
    reader.skip(header->data_size(width) - header->times * (width + 1) - header->types * 6);
    std::string_view footer = reader.rest();
    size_t end = footer.find('\n', 1);
    if (!footer.starts_with('\n') || end == std::string_view::npos) return malformed();
    zone.forever_ = PosixRules(footer.substr(1, end - 1)).read();
  }
  return zone;
}

TimeZone::Period TimeZone::at(int64_t seconds) const {
  auto next = std::ranges::upper_bound(transitions_, seconds, {}, &Transition::at);
  if (next == transitions_.end() && forever_) {
    return period_by_rules(*forever_, seconds,
                           transitions_.empty() ? INT64_MIN : transitions_.back().at);
  }
  Period period;
  period.offset = first_offset_;
  if (next != transitions_.end()) period.end = next->at;
  if (next != transitions_.begin()) {
    period.start = std::prev(next)->at;
    period.offset = std::prev(next)->offset;
  }
  return period;
}

int64_t TimeZone::moment(const Rule& rule, int year, int32_t offset) {
  using namespace std::chrono;
  sys_days first(std::chrono::year(year) / 1 / 1);
  sys_days day = first;
  if (rule.kind == Rule::Kind::kMonthWeekDay) {
    year_month month = std::chrono::year(year) / rule.month;
    weekday wanted(static_cast<unsigned>(rule.day));
    day = rule.week == 5 ? sys_days(month / wanted[last])
                         : sys_days(month / wanted[static_cast<unsigned>(rule.week)]);
  } else {
    // Julian days count from 1 and never count 29 February.
    bool julian = rule.kind == Rule::Kind::kJulian;
    bool after = julian && std::chrono::year(year).is_leap() && rule.day >= 60;
    day = first + days(rule.day - (julian ? 1 : 0) + (after ? 1 : 0));
  }
  return day.time_since_epoch().count() * kDay + rule.seconds - offset;
}

TimeZone::Period TimeZone::period_by_rules(const Forever& rules, int64_t seconds, int64_t since) {
  Period period{.offset = rules.standard, .start = since, .end = INT64_MAX};
  if (!rules.changes) return period;
  // The changes around the moment: those of three years.
  std::vector<Transition> changes;
  int year = year_of(seconds);
  for (int near = year - 1; near <= year + 1; ++near) {
    changes.push_back({moment(rules.to_daylight, near, rules.standard), rules.daylight});
    changes.push_back({moment(rules.to_standard, near, rules.daylight), rules.standard});
  }
  std::ranges::sort(changes, {}, &Transition::at);
  for (const Transition& change : changes) {
    if (change.at > seconds) {
      period.end = change.at;
      break;
    }
    period.start = std::max(since, change.at);
    period.offset = change.offset;
  }
  return period;
}

int64_t TimeZone::from_local(int64_t local) const {
  Period guess = at(local);
  int64_t utc = local - guess.offset;
  if (utc < guess.start || utc >= guess.end) utc = local - at(utc).offset;
  return utc;
}

std::string format_rfc3339_in(MicroTime time, const TimeZone& zone) {
  int64_t seconds = floor_div(time, kMicrosPerSecond);
  int32_t offset = zone.at(seconds).offset;
  std::string text = format_rfc3339((seconds + offset) * kMicrosPerSecond);
  if (offset == 0) return text;
  text.pop_back();
  int32_t minutes = std::abs(offset) / 60;
  char suffix[16];
  snprintf(suffix, sizeof(suffix), "%c%02d:%02d", offset < 0 ? '-' : '+', minutes / 60,
           minutes % 60);
  return text + suffix;
}

}  // namespace tiphys::kinds
