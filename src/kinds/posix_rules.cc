#include "kinds/posix_rules.h"

namespace tiphys::kinds {
namespace {

constexpr size_t kShortestName = 3;
constexpr int kMaxOffsetHours = 24;
constexpr int kMaxRuleHours = 167;  // RFC 9636 lets a change be in a week

bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

bool PosixRules::take(char c) {
  if (!left_.starts_with(c)) return false;
  left_.remove_prefix(1);
  return true;
}

bool PosixRules::read_name() {
  if (take('<')) {
    size_t end = left_.find('>');
    if (end == std::string_view::npos || end < kShortestName) return false;
    left_.remove_prefix(end + 1);
    return true;
  }
  size_t length = 0;
  while (length < left_.size() && is_letter(left_[length])) ++length;
  left_.remove_prefix(length);
  return length >= kShortestName;
}

std::optional<int> PosixRules::read_number(int min, int max) {
  if (left_.empty() || !is_digit(left_.front())) return std::nullopt;
  int value = 0;
  while (!left_.empty() && is_digit(left_.front())) {
    value = value * 10 + (left_.front() - '0');
    if (value > max) return std::nullopt;
    left_.remove_prefix(1);
  }
  if (value < min) return std::nullopt;
  return value;
}

std::optional<int32_t> PosixRules::read_seconds(int max_hours) {
  bool negative = take('-');
  if (!negative) take('+');
  std::optional<int> hours = read_number(0, max_hours);
  if (!hours) return std::nullopt;
  int32_t seconds = *hours * 3600;
  for (int32_t unit : {60, 1}) {
    if (!take(':')) break;
    std::optional<int> value = read_number(0, 59);
    if (!value) return std::nullopt;
    seconds += *value * unit;
  }
  return negative ? -seconds : seconds;
}

std::optional<TimeZone::Rule> PosixRules::read_rule() {
  using Kind = TimeZone::Rule::Kind;
  TimeZone::Rule rule;
  std::optional<int> day;
  if (take('M')) {
    std::optional<int> month = read_number(1, 12);
    if (!month || !take('.')) return std::nullopt;
    std::optional<int> week = read_number(1, 5);
    if (!week || !take('.')) return std::nullopt;
    rule.month = *month;
    rule.week = *week;
    day = read_number(0, 6);
  } else if (take('J')) {
    rule.kind = Kind::kJulian;
    day = read_number(1, 365);
  } else {
    rule.kind = Kind::kDayOfYear;
    day = read_number(0, 365);
  }
  if (!day) return std::nullopt;
  rule.day = *day;
  if (!take('/')) return rule;
  std::optional<int32_t> seconds = read_seconds(kMaxRuleHours);
  if (!seconds) return std::nullopt;
  rule.seconds = *seconds;
  return rule;
}

std::optional<TimeZone::Forever> PosixRules::read() {
  TimeZone::Forever rules;
  if (!read_name()) return std::nullopt;
  std::optional<int32_t> west = read_seconds(kMaxOffsetHours);
  if (!west) return std::nullopt;
  rules.standard = -*west;
  if (left_.empty()) return rules;
  if (!read_name()) return std::nullopt;
  rules.daylight = rules.standard + 3600;
  if (!left_.starts_with(',')) {
    west = read_seconds(kMaxOffsetHours);
    if (!west) return std::nullopt;
    rules.daylight = -*west;
  }
  for (TimeZone::Rule* rule : {&rules.to_daylight, &rules.to_standard}) {
    if (!take(',')) return std::nullopt;
    std::optional<TimeZone::Rule> read = read_rule();
    if (!read) return std::nullopt;
    *rule = *read;
  }
  rules.changes = true;
  if (!left_.empty()) return std::nullopt;
  return rules;
}

}  // namespace tiphys::kinds
