#include <algorithm>
#include <charconv>
#include <limits>

#include "object/quantity.h"

namespace tiphys {

// One parse. The steps and their quirks are those of apimachinery's ParseQuantity.
class QuantityParser {
 public:
  explicit QuantityParser(std::string_view text) : text_(text), rest_(text) {}

  Result<Quantity> parse() {
    if (text_.empty()) return format_error();
    if (!split()) return format_error();
    if (!interpret_suffix()) return error("unable to parse quantity's suffix");
    Quantity q;
    q.format_ = format_;
    if (!combine(q)) return error("unable to parse numeric part of quantity");
    if (is_canonical(q)) q.written_ = text_;
    if (negative_) q.mantissa_ = -q.mantissa_;
    return q;
  }

 private:
  using Wide = Quantity::Wide;
  using Format = Quantity::Format;

  static ApiStatus error(std::string_view message) { return ApiStatus::bad_request(message); }
  static ApiStatus format_error() {
    return error(
        "quantities must match the regular expression "
        "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
  }

  std::string_view take(std::string_view set) {
    size_t n = std::min(rest_.find_first_not_of(set), rest_.size());
    std::string_view taken = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return taken;
  }

  bool split() {
    static constexpr std::string_view kDigits = "0123456789";
    negative_ = rest_.starts_with('-');
    if (negative_ || rest_.starts_with('+')) rest_.remove_prefix(1);
    take("0");
    whole_ = take(kDigits);
    bool dot = rest_.starts_with('.');
    if (dot) rest_.remove_prefix(1);
    if (dot) fraction_ = take(kDigits);
    std::string_view start = rest_;
    take("eEinumkKMGTP");
    if (rest_.starts_with('-') || rest_.starts_with('+')) rest_.remove_prefix(1);
    take(kDigits);
    suffix_ = start.substr(0, start.size() - rest_.size());
    return rest_.empty();  // without any digit it is zero, as upstream's scanner has it
  }

  bool interpret_suffix() {
    static constexpr std::string_view kDecimal[] = {"n", "u", "m", "",  "k",
                                                    "M", "G", "T", "P", "E"};
    static constexpr std::string_view kBinary[] = {"Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
    if (auto at = std::ranges::find(kDecimal, suffix_); at != std::end(kDecimal)) {
      exponent_ = static_cast<int32_t>((at - kDecimal) * 3 - 9);
      return true;
    }
    if (auto at = std::ranges::find(kBinary, suffix_); at != std::end(kBinary)) {
      format_ = Format::kBinarySi;
      exponent_ = static_cast<int32_t>((at - kBinary) * 10 + 10);
      return true;
    }
    if (suffix_.size() < 2 || (suffix_[0] != 'e' && suffix_[0] != 'E')) return false;
    std::string_view number = suffix_.substr(1);
    if (number.starts_with('+')) number.remove_prefix(1);
    format_ = Format::kDecimalExponent;
    auto [end, failed] = std::from_chars(number.data(), number.data() + number.size(), exponent_);
    return failed == std::errc() && end == number.data() + number.size() &&
           exponent_ > -kMaxExponent && exponent_ < kMaxExponent;
  }

  bool digits(std::string_view text, Wide& value) const {
    for (char c : text) {
      if (__builtin_mul_overflow(value, static_cast<Wide>(10), &value) ||
          __builtin_add_overflow(value, static_cast<Wide>(c - '0'), &value)) {
        return false;
      }
    }
    return true;
  }

  bool combine(Quantity& q) {
    // More digits than nanos need carry no information but "not zero".
    std::string_view fraction = fraction_.substr(0, 30);
    bool more = fraction_.find_first_not_of('0', fraction.size()) != std::string_view::npos;
    if (!digits(whole_, q.mantissa_) || !digits(fraction, q.mantissa_)) return false;
    q.exponent_ = -static_cast<int32_t>(fraction.size());
    for (; q.mantissa_ != 0 && q.mantissa_ % 10 == 0; q.mantissa_ /= 10) ++q.exponent_;
    if (q.mantissa_ > kMaxMantissa) return false;
    // What was cut off is less than a nano only as long as the exponent doesn't lift it.
    if (more && format_ != Format::kBinarySi && exponent_ > 21) return false;
    if (format_ == Format::kBinarySi) {
      bool overflow =
          __builtin_mul_overflow(q.mantissa_, static_cast<Wide>(1) << exponent_, &q.mantissa_);
      if (!overflow && !round_to_nano(q, more)) return false;
      cap_binary(q, overflow);
    } else {
      q.exponent_ += exponent_;
      // After the zeros of the mantissa moved over, so that the canonical text parses too.
      if (q.mantissa_ != 0 && q.exponent_ >= kMaxExponent) return false;
      return round_to_nano(q, more);
    }
    return true;
  }

  static bool round_to_nano(Quantity& q, bool more) {
    bool inexact = more;
    while (q.exponent_ < -9) {
      if (q.mantissa_ == 0) {
        q.exponent_ = -9;
        break;
      }
      inexact |= q.mantissa_ % 10 != 0;
      q.mantissa_ /= 10;
      ++q.exponent_;
    }
    for (; inexact && q.exponent_ > -9; --q.exponent_) {
      if (q.mantissa_ > kMaxMantissa / 10) return false;
      q.mantissa_ *= 10;
    }
    if (inexact) ++q.mantissa_;
    return true;
  }

  static void cap_binary(Quantity& q, bool overflow) {
    Quantity max(INT64_MAX);
    if (overflow || q > max) {
      q.mantissa_ = INT64_MAX;
      q.exponent_ = 0;
    } else if (q < Quantity(1) && !q.is_zero()) {
      q.format_ = Format::kDecimalSi;
    }
  }

  // Whether upstream repeats the text instead of computing the canonical form.
  bool is_canonical(const Quantity& q) const {
    std::string shifted = std::string(whole_.empty() ? "0" : whole_) + std::string(fraction_);
    if (format_ == Format::kBinarySi) {
      int32_t precision = 15 - static_cast<int32_t>(whole_.size()) - exponent_ * 3 / 10 - 1;
      int last = whole_.empty() ? 0 : static_cast<int>(low_bits(whole_));
      return precision >= 0 && fraction_.empty() && (last & 7) != 0;
    }
    int64_t scale = static_cast<int64_t>(exponent_) - static_cast<int64_t>(fraction_.size());
    return shifted.size() <= 18 && scale >= -9 && scale % 3 == 0 && !shifted.ends_with("000") &&
           shifted[0] != '0';
  }

  static uint64_t low_bits(std::string_view number) {
    uint64_t value = 0;
    for (char c : number) value = value * 10 + static_cast<uint64_t>(c - '0');
    return value & 0xff;
  }

  static constexpr int32_t kMaxExponent = 1'000'000;
  // 10^36: leaves room for the two zeros that the canonical form may append.
  static constexpr Wide kMaxMantissa =
      static_cast<Wide>(1'000'000'000'000'000'000) * static_cast<Wide>(1'000'000'000'000'000'000);
  std::string_view text_;
  std::string_view rest_;
  std::string_view whole_;
  std::string_view fraction_;
  std::string_view suffix_;
  Format format_ = Format::kDecimalSi;
  int32_t exponent_ = 0;
  bool negative_ = false;
};

Result<Quantity> Quantity::parse(std::string_view text) { return QuantityParser(text).parse(); }

}  // namespace tiphys
