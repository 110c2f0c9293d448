#include "cel/literals.h"

#include <charconv>
#include <cstdlib>

#include "cel/source.h"

namespace tiphys::cel {
namespace {

std::string with_newlines(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r') {
      out += text[i];
    } else if (i + 1 == text.size() || text[i + 1] != '\n') {
      out += '\n';
    }
  }
  return out;
}

std::string_view inside_quotes(std::string_view text) {
  bool triple = text.size() >= 6 && (text.starts_with("'''") || text.starts_with("\"\"\""));
  size_t quotes = triple ? 3 : 1;
  return text.substr(quotes, text.size() - 2 * quotes);
}

char simple_escape(char c) {
  constexpr std::string_view kFrom = "abfnrtv";
  constexpr std::string_view kTo = "\a\b\f\n\r\t\v";
  size_t at = kFrom.find(c);
  return at == std::string_view::npos ? c : kTo[at];
}

bool is_valid_rune(uint32_t c) { return c < 0xD800 || (c >= 0xE000 && c <= 0x10FFFF); }

struct Number {
  size_t start;
  size_t length;
  int base;
};

// Which digits an escape of this letter (at text[1]) has; length 0: it has none.
Number digits_of(char letter) {
  if (letter == 'x' || letter == 'X') return {2, 2, 16};
  if (letter == 'u') return {2, 4, 16};
  if (letter == 'U') return {2, 8, 16};
  if (letter >= '0' && letter <= '3') return {1, 3, 8};
  return {2, 0, 0};
}

// Appends one escape sequence and cuts it off. The lexer has seen that it is complete.
bool unescape(std::string_view& text, bool bytes, std::string& out, std::string& error) {
  error = "unable to unescape string";
  if (text.size() < 2) return false;
  Number number = digits_of(text[1]);
  if (number.length == 0) {
    out += simple_escape(text[1]);
    text.remove_prefix(2);
    return true;
  }
  if (bytes && number.length > 3) return false;
  uint32_t value = 0;
  std::string_view digits = text.substr(number.start, number.length);
  auto [end, problem] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, number.base);
  if (problem != std::errc() || end != digits.data() + number.length) return false;
  text.remove_prefix(number.start + number.length);
  if (bytes) return out += static_cast<char>(value), true;
  error = "invalid unicode code point";
  if (!is_valid_rune(value)) return false;
  append_utf8(out, static_cast<int32_t>(value));
  return true;
}

template <class T>
std::optional<T> parse(std::string_view text, int base) {
  T value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<uint64_t> whole(std::string_view text) {
  if (text.starts_with("0x")) return parse<uint64_t>(text.substr(2), 16);
  return parse<uint64_t>(text, 10);
}

}  // namespace

std::optional<std::string> unquote(std::string_view token, bool bytes, std::string& error) {
  std::string normal = with_newlines(token);
  std::string_view text = normal;
  bool raw = text.starts_with('r') || text.starts_with('R');
  if (raw) text.remove_prefix(1);
  text = inside_quotes(text);
  if (raw) return std::string(text);
  std::string out;
  while (!text.empty()) {
    size_t plain = std::min(text.find('\\'), text.size());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (!text.empty() && !unescape(text, bytes, out, error)) return std::nullopt;
  }
  return out;
}

std::optional<int64_t> int_value(std::string_view token, bool negative) {
  std::optional<uint64_t> value = whole(token);
  uint64_t most = negative ? uint64_t{1} << 63 : (uint64_t{1} << 63) - 1;
  if (!value || *value > most) return std::nullopt;
  return static_cast<int64_t>(negative ? ~*value + 1 : *value);
}

std::optional<uint64_t> uint_value(std::string_view token) {
  return whole(token.substr(0, token.size() - 1));
}

std::optional<double> double_value(std::string_view token) {
  double value = 0;
  auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), value);
  // What is too small for a double is zero, as in Go; what is too large is an error.
  if (error == std::errc::result_out_of_range) {
    value = std::strtod(std::string(token).c_str(), nullptr);
    return value > 1 ? std::nullopt : std::optional(value);
  }
  if (error != std::errc() || end != token.data() + token.size()) return std::nullopt;
  return value;
}

}  // namespace tiphys::cel
