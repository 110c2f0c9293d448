// Go's time.Duration text: String() and ParseDuration.
#include "base/strings.h"
#include "base/time.h"

namespace tiphys {
namespace {

// value with `digits` decimals, trailing zeros dropped: 1500000, 6 -> "1.5".
std::string decimal(uint64_t value, int digits) {
  uint64_t unit = 1;
  for (int i = 0; i < digits; ++i) unit *= 10;
  std::string out = std::to_string(value / unit);
  uint64_t rest = value % unit;
  if (rest == 0) return out;
  std::string fraction = std::to_string(rest + unit).substr(1);
  fraction.erase(fraction.find_last_not_of('0') + 1);
  return out + "." + fraction;
}

uint64_t unit_nanos(std::string_view unit) {
  if (unit == "ns") return 1;
  if (unit == "us" || unit == "\xc2\xb5s" || unit == "\xce\xbcs") return 1'000;
  if (unit == "ms") return 1'000'000;
  if (unit == "s") return 1'000'000'000;
  if (unit == "m") return 60'000'000'000;
  if (unit == "h") return 3'600'000'000'000;
  return 0;
}

ApiStatus invalid(std::string_view text) {
  return ApiStatus::bad_request("time: invalid duration " + go_quote(text));
}

size_t count_digits(std::string_view text) {
  size_t n = 0;
  while (n < text.size() && text[n] >= '0' && text[n] <= '9') ++n;
  return n;
}

constexpr unsigned __int128 kMax = static_cast<unsigned __int128>(1) << 63;

// One "12.5ms" off the front of rest.
Result<uint64_t> parse_part(std::string_view text, std::string_view& rest) {
  size_t whole = count_digits(rest);
  unsigned __int128 value = 0;
  for (size_t i = 0; i < whole; ++i) {
    value = value * 10 + static_cast<unsigned>(rest[i] - '0');
    if (value > kMax) return invalid(text);
  }
  rest.remove_prefix(whole);
  std::string_view fraction;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    fraction = rest.substr(0, count_digits(rest));
    rest.remove_prefix(fraction.size());
    if (whole == 0 && fraction.empty()) return invalid(text);
  } else if (whole == 0) {
    return invalid(text);
  }
  size_t length = 0;
  while (length < rest.size() && rest[length] != '.' &&
         (rest[length] < '0' || rest[length] > '9')) {
    ++length;
  }
  std::string_view unit = rest.substr(0, length);
  if (unit.empty()) {
    return ApiStatus::bad_request("time: missing unit in duration " + go_quote(text));
  }
  uint64_t nanos = unit_nanos(unit);
  if (nanos == 0) {
    return ApiStatus::bad_request("time: unknown unit " + go_quote(unit) + " in duration " +
                                  go_quote(text));
  }
  rest.remove_prefix(length);
  value *= nanos;
  uint64_t digits = 0;
  double scale = 1;
  for (char c : fraction.substr(0, 18)) {
    digits = digits * 10 + static_cast<uint64_t>(c - '0');
    scale *= 10;
  }
  // As Go: in floating point, truncated.
  value +=
      static_cast<uint64_t>(static_cast<double>(digits) * (static_cast<double>(nanos) / scale));
  if (value > kMax) return invalid(text);
  return static_cast<uint64_t>(value);
}

}  // namespace

std::string format_go_duration(Duration duration) {
  int64_t nanos = duration.count();
  if (nanos == 0) return "0s";
  uint64_t u = nanos < 0 ? 0 - static_cast<uint64_t>(nanos) : static_cast<uint64_t>(nanos);
  std::string sign = nanos < 0 ? "-" : "";
  if (u < 1'000) return sign + std::to_string(u) + "ns";
  if (u < 1'000'000) return sign + decimal(u, 3) + "\xc2\xb5s";
  if (u < 1'000'000'000) return sign + decimal(u, 6) + "ms";
  uint64_t minutes = u / 60'000'000'000;
  std::string seconds = decimal(u % 60'000'000'000, 9) + "s";
  if (minutes == 0) return sign + seconds;
  std::string tail = std::to_string(minutes % 60) + "m" + seconds;
  if (minutes < 60) return sign + tail;
  return sign + std::to_string(minutes / 60) + "h" + tail;
}

Result<Duration> parse_go_duration(std::string_view text) {
  std::string_view rest = text;
  bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest == "0") return Duration(0);
  if (rest.empty()) return invalid(text);
  unsigned __int128 sum = 0;
  while (!rest.empty()) {
    TIPHYS_TRY(uint64_t, part, parse_part(text, rest));
    sum += part;
    if (sum > kMax) return invalid(text);
  }
  if (!negative && sum == kMax) return invalid(text);
  auto value = static_cast<uint64_t>(sum);
  return Duration(static_cast<int64_t>(negative ? 0 - value : value));
}

}  // namespace tiphys
