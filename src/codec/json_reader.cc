#include "codec/json_reader.h"

#include "base/strings.h"
#include "codec/json_text.h"
#include "codec/limits.h"

namespace tiphys::codec {
namespace {

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// How Go names a character in an error: 'x', '\n', '\''.
std::string quoted(std::string_view at) {
  if (at[0] == '\'') return "'\\''";
  if (at[0] == '"') return "'\"'";
  size_t length = 1;
  while (length < at.size() && length < 4 && (at[length] & 0xc0) == 0x80) ++length;
  std::string text =
      go_quote(is_valid_utf8(at.substr(0, length)) ? at.substr(0, length) : at.substr(0, 1));
  text.front() = text.back() = '\'';
  return text;
}

}  // namespace

void JsonReader::fail(std::string message) {
  if (failed_) return;
  failed_ = true;
  error_ = std::move(message);
  at_ = end_;
}

void JsonReader::unexpected(std::string_view context) {
  if (at_ == end_) return fail("unexpected end of JSON input");
  std::string_view rest(at_, static_cast<size_t>(end_ - at_));
  fail("invalid character " + quoted(rest) + " " + std::string(context));
}

void JsonReader::skip_space() {
  while (at_ != end_ && is_space(*at_)) ++at_;
}

char JsonReader::peek_value() {
  skip_space();
  if (at_ != end_) {
    char c = *at_;
    if (c == '"' || c == '{' || c == '[' || c == 't' || c == 'f' || c == 'n' || c == '-' ||
        is_digit(c)) {
      return c;
    }
  }
  unexpected("looking for beginning of value");
  return 0;
}

bool JsonReader::enter_object() {
  if (failed_) return false;
  if (++depth_ > kMaxJsonDepth) return fail("exceeded max depth"), false;
  ++at_;
  first_ = true;
  return true;
}

bool JsonReader::enter_array() { return enter_object(); }

// Handles what stands between members: true if one follows.
bool JsonReader::separator(char close, std::string_view context) {
  if (failed_) return false;
  skip_space();
  bool first = first_;
  first_ = false;
  if (at_ != end_ && *at_ == close && (first || close == ']' || close == '}')) {
    ++at_;
    --depth_;
    return false;
  }
  if (first) return true;
  if (at_ == end_ || *at_ != ',') return unexpected(context), false;
  ++at_;
  skip_space();
  return true;
}

bool JsonReader::next_member(std::string_view& key) {
  if (!separator('}', "after object key:value pair")) return false;
  if (at_ == end_ || *at_ != '"') {
    return unexpected("looking for beginning of object key string"), false;
  }
  key = string();
  skip_space();
  if (failed_ || at_ == end_ || *at_ != ':') return unexpected("after object key"), false;
  ++at_;
  return true;
}

bool JsonReader::next_item() { return separator(']', "after array element"); }

std::string_view JsonReader::string() {
  if (failed_) return {};
  escaped_ = false;
  const char* begin = ++at_;
  while (at_ != end_) {
    auto c = static_cast<unsigned char>(*at_);
    if (c == '"') {
      std::string_view text(begin, static_cast<size_t>(at_ - begin));
      if (!is_valid_utf8(text)) return unescape(begin);
      ++at_;
      return text;
    }
    if (c == '\\') return unescape(begin);
    if (c < 0x20) return unexpected("in string literal"), std::string_view();
    ++at_;
  }
  unexpected("");
  return {};
}

// The slow way: from the string's begin, into scratch_.
std::string_view JsonReader::unescape(const char* begin) {
  escaped_ = true;
  at_ = begin;
  scratch_.clear();
  while (at_ != end_) {
    auto c = static_cast<unsigned char>(*at_);
    if (c == '"') {
      ++at_;
      if (!is_valid_utf8(scratch_)) scratch_ = replace_invalid_utf8(scratch_);
      return scratch_;
    }
    if (c < 0x20) return unexpected("in string literal"), std::string_view();
    ++at_;
    if (c != '\\') {
      scratch_ += static_cast<char>(c);
    } else if (!escape_sequence()) {
      return {};
    }
  }
  unexpected("");
  return {};
}

int JsonReader::hex4() {
  int value = 0;
  for (int i = 0; i < 4; ++i, ++at_) {
    if (at_ == end_) return unexpected(""), -1;
    char c = *at_;
    int digit = is_digit(c)            ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
    if (digit < 0) return unexpected("in \\u hexadecimal character escape"), -1;
    value = value << 4 | digit;
  }
  return value;
}

bool JsonReader::escape_sequence() {
  if (at_ == end_) return unexpected(""), false;
  static constexpr std::string_view kFrom = "\"\\/bfnrt";
  static constexpr std::string_view kTo = "\"\\/\b\f\n\r\t";
  if (size_t i = kFrom.find(*at_); i != std::string_view::npos) {
    scratch_ += kTo[i];
    ++at_;
    return true;
  }
  if (*at_ != 'u') return unexpected("in string escape code"), false;
  ++at_;
  int code = hex4();
  if (code < 0) return false;
  if (code >= 0xd800 && code < 0xdc00 && end_ - at_ >= 6 && at_[0] == '\\' && at_[1] == 'u') {
    const char* mark = at_;
    at_ += 2;
    int low = hex4();
    if (low < 0) return false;
    if (low >= 0xdc00 && low < 0xe000) {
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else {
      at_ = mark;  // the second escape stands for itself
    }
  }
  if (code >= 0xd800 && code < 0xe000) code = 0xfffd;
  append_utf8(static_cast<uint32_t>(code), scratch_);
  return true;
}

std::string_view JsonReader::number() {
  if (failed_) return {};
  const char* begin = at_;
  auto digits = [&](std::string_view context) {
    if (at_ == end_ || !is_digit(*at_)) return unexpected(context), false;
    while (at_ != end_ && is_digit(*at_)) ++at_;
    return true;
  };
  if (*at_ == '-') ++at_;
  if (at_ != end_ && *at_ == '0') {
    ++at_;
  } else if (!digits("in numeric literal")) {
    return {};
  }
  if (at_ != end_ && *at_ == '.') {
    ++at_;
    if (!digits("after decimal point in numeric literal")) return {};
  }
  if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
    ++at_;
    if (at_ != end_ && (*at_ == '+' || *at_ == '-')) ++at_;
    if (!digits("in exponent of numeric literal")) return {};
  }
  return {begin, static_cast<size_t>(at_ - begin)};
}

void JsonReader::literal(std::string_view word) {
  for (size_t i = 0; i < word.size(); ++i, ++at_) {
    if (failed_) return;
    if (at_ == end_ || *at_ != word[i]) {
      return unexpected("in literal " + std::string(word) + " (expecting '" + word[i] + "')");
    }
  }
}

bool JsonReader::boolean() {
  if (failed_) return false;
  bool value = *at_ == 't';
  literal(value ? "true" : "false");
  return value;
}

void JsonReader::null() {
  if (!failed_) literal("null");
}

std::string_view JsonReader::skip_value() {
  char c = peek_value();
  const char* begin = at_;
  std::vector<bool> objects;  // the containers that are open
  bool done = false;
  std::string_view key;
  while (!failed_ && !done) {
    if (c == '{' || c == '[') {
      enter_object();
      objects.push_back(c == '{');
    } else if (c == '"') {
      string();
    } else if (c == 't' || c == 'f') {
      boolean();
    } else if (c == 'n') {
      null();
    } else if (c != 0) {
      number();
    }
    done = true;
    while (!objects.empty() && !failed_) {
      if (objects.back() ? next_member(key) : next_item()) {
        c = peek_value();
        done = false;
        break;
      }
      objects.pop_back();
    }
  }
  if (failed_) return {};
  return {begin, static_cast<size_t>(at_ - begin)};
}

void JsonReader::finish() {
  if (failed_) return;
  skip_space();
  if (at_ != end_) unexpected("after top-level value");
}

bool is_valid_json(std::string_view text) {
  JsonReader reader(text);
  reader.skip_value();
  reader.finish();
  return !reader.failed();
}

void append_compact_json(std::string_view text, bool escape, std::string& out) {
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (!in_string && is_space(c)) continue;
    if (escape && (c == '<' || c == '>' || c == '&')) {
      append_unicode_escape(static_cast<uint32_t>(c), out);
    } else if (escape && c == '\xe2' && i + 2 < text.size() && text[i + 1] == '\x80' &&
               (text[i + 2] == '\xa8' || text[i + 2] == '\xa9')) {
      append_unicode_escape(text[i + 2] == '\xa8' ? 0x2028 : 0x2029, out);
      i += 2;
    } else {
      out += c;
      if (in_string && c == '\\' && i + 1 < text.size()) {
        out += text[++i];
      } else if (c == '"') {
        in_string = !in_string;
      }
    }
  }
}

}  // namespace tiphys::codec
