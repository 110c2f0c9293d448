#include "codec/yaml_resolve.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/strings.h"

namespace tiphys::codec {
namespace {

using Type = YamlScalar::Type;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool resolve_word(std::string_view text, YamlScalar& out) {
  if (is_one_of(text, {"", "~", "null", "Null", "NULL"})) {
    out.type = Type::kNull;
  } else if (is_one_of(text,
                       {"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})) {
    out.type = Type::kBool;
    out.boolean = true;
  } else if (is_one_of(text, {"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off",
                              "OFF"})) {
    out.type = Type::kBool;
  } else if (text == "<<") {
    out.type = Type::kMerge;
  } else if (is_one_of(text, {".nan", ".NaN", ".NAN"})) {
    out.type = Type::kFloat;
    out.number = NAN;
  } else if (is_one_of(text, {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"})) {
    out.type = Type::kFloat;
    out.number = INFINITY;
  } else if (is_one_of(text, {"-.inf", "-.Inf", "-.INF"})) {
    out.type = Type::kFloat;
    out.number = -INFINITY;
  } else {
    return false;
  }
  return true;
}

// Go's ParseInt with base 0: 0x, 0o, 0b, leading 0 is octal.
bool resolve_int(std::string_view text, YamlScalar& out) {
  bool negative = text.starts_with('-');
  std::string_view digits = negative || text.starts_with('+') ? text.substr(1) : text;
  bool sign = digits.size() != text.size();
  int base = 10;
  if (digits.size() > 1 && digits[0] == '0') {
    char mark = static_cast<char>(digits[1] | 0x20);
    base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
    digits.remove_prefix(mark == 'x' || mark == 'b' || mark == 'o' ? 2 : 1);
  }
  uint64_t value = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return false;
  if (value <= static_cast<uint64_t>(INT64_MAX) + (negative ? 1 : 0)) {
    out.type = Type::kInt;
    out.integer = static_cast<int64_t>(negative ? 0 - value : value);
    return true;
  }
  if (sign) return false;
  out.type = Type::kUint;
  out.unsigned_integer = value;
  return true;
}

// ^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$
bool looks_like_float(std::string_view text) {
  size_t i = 0;
  auto digits = [&] {
    size_t begin = i;
    while (i < text.size() && is_digit(text[i])) ++i;
    return i - begin;
  };
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
  size_t whole = digits();
  if (i < text.size() && text[i] == '.') {
    ++i;
    if (digits() == 0 && whole == 0) return false;
  } else if (whole == 0) {
    return false;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
    if (digits() == 0) return false;
  }
  return i == text.size();
}

bool resolve_float(std::string_view text, YamlScalar& out) {
  if (!looks_like_float(text)) return false;
  if (text.starts_with('+')) text.remove_prefix(1);
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out.number);
  if (error != std::errc()) return false;
  out.type = Type::kFloat;
  return true;
}

// 2006-1-2, optionally with a time after T, t or a space.
bool is_timestamp(std::string_view text) {
  size_t i = 0;
  auto digits = [&](size_t most) {
    size_t n = 0;
    while (i < text.size() && is_digit(text[i]) && n < most) ++i, ++n;
    return n;
  };
  auto eat = [&](char c) { return i < text.size() && text[i] == c ? ++i, true : false; };
  if (digits(4) != 4 || !eat('-') || digits(2) == 0 || !eat('-') || digits(2) == 0) return false;
  if (i == text.size()) return true;
  bool space = eat(' ');
  if (!space && !eat('T') && !eat('t')) return false;
  if (digits(2) == 0 || !eat(':') || digits(2) == 0 || !eat(':') || digits(2) == 0) return false;
  if (eat('.') && digits(9) == 0) return false;
  if (space) return i == text.size();
  if (eat('Z')) return i == text.size();
  if (!eat('+') && !eat('-')) return false;
  return digits(2) == 2 && eat(':') && digits(2) == 2 && i == text.size();
}

bool is_letter(char c) {
  // Beyond ASCII nearly everything that stands in a key is a letter.
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
}

}  // namespace

YamlScalar resolve_yaml(std::string_view plain) {
  YamlScalar out;
  if (resolve_word(plain, out)) return out;
  char first = plain[0];
  if (first == '.') {
    resolve_float(plain, out);
    return out;
  }
  if (!is_digit(first) && first != '-' && first != '+') return out;
  if (is_timestamp(plain)) {
    out.type = Type::kTimestamp;
    return out;
  }
  std::string without(plain);
  std::erase(without, '_');
  if (!resolve_int(without, out)) resolve_float(without, out);
  return out;
}

bool is_base60(std::string_view text) {
  // ^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$
  size_t i = 0;
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
  if (i >= text.size() || !is_digit(text[i])) return false;
  while (i < text.size() && (is_digit(text[i]) || text[i] == '_')) ++i;
  size_t groups = 0;
  while (i < text.size() && text[i] == ':') {
    size_t begin = ++i;
    while (i < text.size() && is_digit(text[i])) ++i;
    size_t length = i - begin;
    if (length == 0 || length > 2 || (length == 2 && text[begin] > '5')) return false;
    ++groups;
  }
  if (groups == 0) return false;
  if (i < text.size() && text[i] == '.') {
    ++i;
    while (i < text.size() && (is_digit(text[i]) || text[i] == '_')) ++i;
  }
  return i == text.size();
}

bool yaml_key_less(std::string_view a, std::string_view b) {
  size_t i = 0;
  while (i < a.size() && i < b.size() && a[i] == b[i]) ++i;
  if (i == a.size() || i == b.size()) return a.size() < b.size();
  auto code = [](char c) { return static_cast<unsigned char>(c); };
  bool a_letter = is_letter(a[i]);
  bool b_letter = is_letter(b[i]);
  if (a_letter && b_letter) return code(a[i]) < code(b[i]);
  if (a_letter || b_letter) return b_letter;
  int64_t a_number = 0;
  int64_t b_number = 0;
  if (a[i] == '0' || b[i] == '0') {
    for (size_t j = i; j > 0 && is_digit(a[j - 1]); --j) {
      if (a[j - 1] != '0') {
        a_number = b_number = 1;
        break;
      }
    }
  }
  auto read = [&](std::string_view text, int64_t& number) {
    size_t at = i;
    for (; at < text.size() && is_digit(text[at]); ++at) {
      number = static_cast<int64_t>(static_cast<uint64_t>(number) * 10 +
                                    static_cast<uint64_t>(text[at] - '0'));
    }
    return at;
  };
  size_t a_end = read(a, a_number);
  size_t b_end = read(b, b_number);
  if (a_number != b_number) return a_number < b_number;
  if (a_end != b_end) return a_end < b_end;
  return code(a[i]) < code(b[i]);
}

}  // namespace tiphys::codec
