// Quantity: exact decimal amounts with Kubernetes' suffixes ("500m", "1Gi", "1e3").
//
// A value is mantissa * 10^exponent with the suffix family it was written in; nothing is ever
// rounded but what is smaller than a nano (away from zero, as upstream). Texts with more digits
// than 128 bits hold are refused. Parsing and canonical text follow apimachinery's
// resource.Quantity. A plain value: copy it; thread-safe as an int is.
#pragma once
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tiphys {

class Quantity {
 public:
  enum class Format : uint8_t { kDecimalSi, kBinarySi, kDecimalExponent };

  Quantity() = default;
  explicit Quantity(int64_t value, Format format = Format::kDecimalSi)
      : mantissa_(value), format_(format) {}
  static Quantity milli(int64_t value) {
    Quantity q(value);
    q.exponent_ = -3;
    return q;
  }
  static Quantity nano(int64_t value) {
    Quantity q(value);
    q.exponent_ = -9;
    return q;
  }
  // Errors: BadRequest with upstream's wording ("quantities must match the regular expression
  // ...").
  static Result<Quantity> parse(std::string_view text);
  // For texts that a decoder has checked: zero for the empty text and for anything malformed.
  static Quantity of(std::string_view text);

  // Canonical: no fraction, the largest suffix that loses nothing.
  std::string text() const;
  Format format() const { return format_; }
  bool is_zero() const { return mantissa_ == 0; }
  int sign() const { return mantissa_ < 0 ? -1 : mantissa_ > 0 ? 1 : 0; }
  // Rounded away from zero to a whole number (of thousandths); capped at int64's range.
  int64_t value() const { return scaled(0); }
  int64_t milli_value() const { return scaled(-3); }
  int64_t scaled(int exponent) const;  // in units of 10^exponent
  double approximate() const;

  // The sum keeps this one's format unless this one is zero.
  Quantity& operator+=(const Quantity& other);
  Quantity& operator-=(const Quantity& other);
  friend Quantity operator+(Quantity a, const Quantity& b) { return a += b; }
  friend Quantity operator-(Quantity a, const Quantity& b) { return a -= b; }
  // Negative, zero or positive, as strcmp.
  int compare(const Quantity& other) const {
    std::strong_ordering order = *this <=> other;
    return order < 0 ? -1 : order > 0 ? 1 : 0;
  }
  std::strong_ordering operator<=>(const Quantity& other) const;
  bool operator==(const Quantity& other) const { return (*this <=> other) == 0; }

 private:
  friend class QuantityParser;
  __extension__ using Wide = __int128;
  Wide mantissa_ = 0;
  int32_t exponent_ = 0;
  Format format_ = Format::kDecimalSi;
  std::string written_;  // the text it was parsed from, where upstream repeats that
};

}  // namespace tiphys
