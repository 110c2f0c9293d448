#include "object/quantity.h"

#include <cmath>
#include <limits>

namespace tiphys {
namespace {

__extension__ using Wide = __int128;
constexpr Wide kWideMax = std::numeric_limits<Wide>::max();

bool multiply(Wide& value, Wide factor) { return !__builtin_mul_overflow(value, factor, &value); }

// value * 10^power; false on overflow.
bool shift_up(Wide& value, int64_t power) {
  if (value == 0) return true;
  if (power > 38) return false;
  for (; power > 0; --power) {
    if (!multiply(value, 10)) return false;
  }
  return true;
}

// value / 10^power, rounded towards zero.
Wide shift_down(Wide value, int64_t power) {
  for (; power > 0 && value != 0; --power) value /= 10;
  return value;
}

// The same, rounded away from zero.
Wide divide_away(Wide value, int64_t power) {
  if (value == 0 || power == 0) return value;
  int sign = value < 0 ? -1 : 1;
  Wide low = shift_down(value, power);
  Wide back = low;
  bool exact = shift_up(back, power) && back == value;
  return exact ? low : low + sign;
}

std::string wide_text(Wide value) {
  if (value == 0) return "0";
  std::string out;
  bool negative = value < 0;
  for (; value != 0; value /= 10) {
    int digit = static_cast<int>(value % 10);
    out.insert(out.begin(), static_cast<char>('0' + (digit < 0 ? -digit : digit)));
  }
  return negative ? "-" + out : out;
}

std::string decimal_suffix(int32_t exponent, Quantity::Format format) {
  if (format == Quantity::Format::kDecimalSi && exponent >= -9 && exponent <= 18) {
    static constexpr std::string_view kSuffixes[] = {"n", "u", "m", "",  "k",
                                                     "M", "G", "T", "P", "E"};
    return std::string(kSuffixes[(exponent + 9) / 3]);
  }
  return exponent == 0 ? "" : "e" + std::to_string(exponent);
}

std::string decimal_text(Wide mantissa, int32_t exponent, Quantity::Format format) {
  while (mantissa % 10 == 0) {
    mantissa /= 10;
    ++exponent;
  }
  while (exponent % 3 != 0) {
    if (!multiply(mantissa, 10)) break;
    --exponent;
  }
  return wide_text(mantissa) + decimal_suffix(exponent, format);
}

std::string binary_text(Wide value) {
  static constexpr std::string_view kSuffixes[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
  size_t power = 0;
  while (value % 1024 == 0 && power + 1 < std::size(kSuffixes)) {
    value /= 1024;
    ++power;
  }
  return wide_text(value) + std::string(kSuffixes[power]);
}

// Brings both to the smaller exponent; what doesn't fit is capped.
void align(Wide& a, int32_t& a_exponent, Wide& b, int32_t& b_exponent) {
  Wide& high = a_exponent > b_exponent ? a : b;
  int32_t& exponent = a_exponent > b_exponent ? a_exponent : b_exponent;
  int32_t target = std::min(a_exponent, b_exponent);
  bool negative = high < 0;
  if (!shift_up(high, static_cast<int64_t>(exponent) - target)) {
    high = negative ? -(kWideMax / 2) : kWideMax / 2;
  }
  exponent = target;
}

}  // namespace

Quantity Quantity::of(std::string_view text) {
  Result<Quantity> parsed = parse(text);
  return parsed ? std::move(*parsed) : Quantity();
}

std::string Quantity::text() const {
  if (mantissa_ == 0) return "0";
  if (!written_.empty()) return written_;
  if (format_ != Format::kBinarySi) return decimal_text(mantissa_, exponent_, format_);
  Wide whole = mantissa_;
  bool exact = exponent_ >= 0 && shift_up(whole, exponent_);
  if (exponent_ < 0) {
    whole = shift_down(mantissa_, -static_cast<int64_t>(exponent_));
    Wide back = whole;
    exact = shift_up(back, -static_cast<int64_t>(exponent_)) && back == mantissa_;
  }
  if (!exact || (whole > -1024 && whole < 1024)) {
    return decimal_text(mantissa_, exponent_, Format::kDecimalSi);
  }
  return binary_text(whole);
}

int64_t Quantity::scaled(int exponent) const {
  int64_t power = static_cast<int64_t>(exponent_) - exponent;
  Wide value = mantissa_;
  if (power < 0) {
    value = divide_away(value, -power);
  } else if (!shift_up(value, power)) {
    value = mantissa_ < 0 ? -kWideMax : kWideMax;
  }
  if (value > INT64_MAX) return INT64_MAX;
  if (value < INT64_MIN) return INT64_MIN;
  return static_cast<int64_t>(value);
}

double Quantity::approximate() const {
  return static_cast<double>(mantissa_) * std::pow(10.0, exponent_);
}

Quantity& Quantity::operator+=(const Quantity& other) {
  if (other.is_zero()) return *this;
  if (is_zero()) return *this = other;
  Wide added = other.mantissa_;
  int32_t added_exponent = other.exponent_;
  align(mantissa_, exponent_, added, added_exponent);
  if (__builtin_add_overflow(mantissa_, added, &mantissa_)) {
    mantissa_ = added < 0 ? -kWideMax : kWideMax;
  }
  written_.clear();
  return *this;
}

Quantity& Quantity::operator-=(const Quantity& other) {
  Quantity negated = other;
  negated.mantissa_ = -negated.mantissa_;
  negated.written_.clear();
  Format format = is_zero() ? other.format_ : format_;
  *this += negated;
  format_ = format;
  return *this;
}

std::strong_ordering Quantity::operator<=>(const Quantity& other) const {
  if (sign() != other.sign()) return sign() <=> other.sign();
  Wide a = mantissa_;
  Wide b = other.mantissa_;
  int32_t a_exponent = exponent_;
  int32_t b_exponent = other.exponent_;
  align(a, a_exponent, b, b_exponent);
  return a < b   ? std::strong_ordering::less
         : a > b ? std::strong_ordering::greater
                 : std::strong_ordering::equal;
}

}  // namespace tiphys
