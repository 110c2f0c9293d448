// RFC 3339 as Go's time.Parse(time.RFC3339) reads it, with its error texts.
#include "base/strings.h"
#include "base/time.h"

namespace tiphys {
namespace {

constexpr std::string_view kLayout = "2006-01-02T15:04:05Z07:00";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text), rest_(text) {}

  Result<MicroTime> parse() {
    int year, month, day, hour, minute, second;
    if (!number(4, "2006", &year) || !literal("-") || !number(2, "01", &month, 1, 12, "month") ||
        !literal("-") || !number(2, "02", &day, 0, 31, "day") || !literal("T") ||
        !number(2, "15", &hour, 0, 23, "hour") || !literal(":") ||
        !number(2, "04", &minute, 0, 59, "minute") || !literal(":") ||
        !number(2, "05", &second, 0, 59, "second")) {
      return failure();
    }
    int64_t micros = fraction();
    int64_t offset = 0;
    if (!zone(&offset)) return failure();
    if (!rest_.empty()) return error_with(": extra text: " + go_quote(rest_));
    std::chrono::year_month_day date{std::chrono::year(year),
                                     std::chrono::month(static_cast<unsigned>(month)),
                                     std::chrono::day(static_cast<unsigned>(day))};
    if (!date.ok()) return error_with(": day out of range");
    int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
    int64_t seconds = days * 86400 + hour * 3600 + minute * 60 + second - offset;
    return seconds * kMicrosPerSecond + micros;
  }

 private:
  bool number(size_t digits, std::string_view layout, int* out, int low = 0, int high = 9999,
              const char* what = "") {
    wanted_ = layout;
    if (rest_.size() < digits) return false;
    int value = 0;
    for (size_t i = 0; i < digits; ++i) {
      if (!is_digit(rest_[i])) return false;
      value = value * 10 + (rest_[i] - '0');
    }
    if (value < low || value > high) {
      range_ = what;
      return false;
    }
    rest_.remove_prefix(digits);
    *out = value;
    return true;
  }

  bool literal(std::string_view text) {
    wanted_ = text;
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  int64_t fraction() {
    if (rest_.size() < 2 || (rest_[0] != '.' && rest_[0] != ',') || !is_digit(rest_[1])) return 0;
    rest_.remove_prefix(1);
    int64_t micros = 0;
    int64_t unit = 100'000;
    while (!rest_.empty() && is_digit(rest_[0])) {
      micros += (rest_[0] - '0') * unit;
      unit /= 10;
      rest_.remove_prefix(1);
    }
    return micros;
  }

  bool zone(int64_t* offset) {
    wanted_ = "Z07:00";
    if (rest_.starts_with('Z')) {
      rest_.remove_prefix(1);
      return true;
    }
    std::string_view z = rest_.substr(0, 6);
    if (z.size() < 6 || (z[0] != '+' && z[0] != '-') || z[3] != ':') return false;
    if (!is_digit(z[1]) || !is_digit(z[2]) || !is_digit(z[4]) || !is_digit(z[5])) return false;
    int hours = (z[1] - '0') * 10 + (z[2] - '0');
    int minutes = (z[4] - '0') * 10 + (z[5] - '0');
    if (hours > 24 || minutes > 60) {
      range_ = hours > 24 ? "time zone offset hour" : "time zone offset minute";
      return false;
    }
    *offset = (hours * 3600 + minutes * 60) * (z[0] == '-' ? -1 : 1);
    rest_.remove_prefix(6);
    return true;
  }

  ApiStatus failure() const {
    if (!range_.empty()) return error_with(": " + range_ + " out of range");
    return error_with(" as " + go_quote(kLayout) + ": cannot parse " + go_quote(rest_) + " as " +
                      go_quote(wanted_));
  }
  ApiStatus error_with(const std::string& why) const {
    return ApiStatus::bad_request("parsing time " + go_quote(text_) + why);
  }

  std::string_view text_;
  std::string_view rest_;
  std::string_view wanted_;
  std::string range_;
};

}  // namespace

Result<MicroTime> parse_rfc3339(std::string_view text) { return Parser(text).parse(); }

}  // namespace tiphys
