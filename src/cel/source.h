// Source: the text of an expression as code points; Issues: what is wrong with it, with the line
// and a pointer under it, as cel-go prints errors.
//
// Offsets are code points from the start of the text (bytes that are no UTF-8 count as one each,
// as in Go). Lines end at '\n' only. Plain values; one thread.
// Source of the form: github.com/google/cel-go common/error.go (what its API prints).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tiphys::cel {

// The offset of what stands nowhere in the text: line -1, column 0.
inline constexpr int32_t kNowhere = -1;
// Issues that are printed at most; the rest is counted.
inline constexpr size_t kMaxIssues = 100;
// A line longer than this is not shown under its issue.
inline constexpr size_t kMaxSnippetBytes = 16384;

class Source {
 public:
  // The text is borrowed.
  explicit Source(std::string_view text);

  int32_t size() const { return static_cast<int32_t>(starts_.size()) - 1; }
  // The code point at an offset; -1 at and after the end.
  int32_t at(int32_t offset) const;
  std::string_view slice(int32_t from, int32_t to) const;
  // 1 and up; the last line holds all offsets past the end.
  int32_t line_of(int32_t offset) const;
  int32_t line_start(int32_t line) const;
  std::string_view line_text(int32_t line) const;

 private:
  std::string_view text_;
  std::vector<uint32_t> starts_;  // byte offset of each code point, then the text's size
  std::vector<int32_t> lines_;    // offsets at which lines begin
};

struct Issue {
  int32_t offset = kNowhere;
  std::string message;
};

class Issues {
 public:
  void add(int32_t offset, std::string message);
  bool empty() const { return count_ == 0; }
  // In the order in which they were added.
  const std::vector<Issue>& list() const { return issues_; }
  // "ERROR: <input>:1:3: message", the line and the pointer, one after the other by position.
  std::string text(const Source& source) const;

 private:
  std::vector<Issue> issues_;
  size_t count_ = 0;
};

// Decodes the code point at the start of text (not empty); bytes: how many it takes.
int32_t decode_utf8(std::string_view text, size_t& bytes);
void append_utf8(std::string& out, int32_t code_point);

}  // namespace tiphys::cel
