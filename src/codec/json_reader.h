// JsonReader: pulls one JSON text apart, token by token, with encoding/json's rules and errors.
//
// Input is hostile: nothing is read past its end and nesting is bounded by kMaxJsonDepth. The first
// error sticks: from then on every call fails and the caller just unwinds. One thread; the text
// must outlive the reader. Internal to codec/.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace tiphys::codec {

class JsonReader {
 public:
  explicit JsonReader(std::string_view text)
      : begin_(text.data()), at_(text.data()), end_(text.data() + text.size()) {}

  // The first character of the next value ('{', '[', '"', 't', 'f', 'n', '-', a digit); 0 once
  // failed. Nothing is consumed but white space. Fails where no value can start.
  char peek_value();

  // Objects: enter, then next_member until false; the value must be consumed in between.
  bool enter_object();  // false: failed
  // False at the object's end (consumed) or on failure. The key lives until the next call, or as
  // long as the text if it has no escapes.
  bool next_member(std::string_view& key);
  bool enter_array();
  bool next_item();

  // Scalars; the caller has peeked. The text lives until the next call, or as long as the input.
  std::string_view string();
  std::string_view number();  // as it stands in the input
  bool boolean();             // either literal; false on failure
  void null();
  // Steps over any value and returns its text as it stands. Iterative: takes any depth up to the
  // limit.
  std::string_view skip_value();
  // Fails unless only white space is left.
  void finish();

  bool failed() const { return failed_; }
  // Requires: failed().
  ApiStatus error() const { return ApiStatus::bad_request(error_); }
  void fail(std::string message);
  bool inside_escaped_string() const { return escaped_; }  // the last string() had escapes

 private:
  void skip_space();
  void unexpected(std::string_view context);  // fails at the current character
  void literal(std::string_view word);
  std::string_view unescape(const char* begin);
  bool escape_sequence();
  int hex4();
  bool separator(char close, std::string_view context);

  const char* begin_;
  const char* at_;
  const char* end_;
  std::string scratch_;
  std::string error_;
  int depth_ = 0;
  bool first_ = false;  // the container just entered has given no member yet
  bool failed_ = false;
  bool escaped_ = false;
};

// Copies one JSON value without insignificant white space. With escape, <, >, &, U+2028 and U+2029
// in strings are escaped as Go's Marshal does. Requires: valid JSON text.
void append_compact_json(std::string_view text, bool escape, std::string& out);
// Valid JSON (one value), nesting at most kMaxJsonDepth.
bool is_valid_json(std::string_view text);

}  // namespace tiphys::codec
