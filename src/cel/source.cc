#include "cel/source.h"

#include <algorithm>

namespace tiphys::cel {
namespace {

constexpr int32_t kReplacement = 0xFFFD;
constexpr std::string_view kWideDot = "\uff0e";
constexpr std::string_view kWideMark = "\uff3e";

// How many bytes a sequence with this first byte has; 0: none starts so.
size_t sequence_length(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first < 0xE0) return 2;
  if (first >= 0xE0 && first < 0xF0) return 3;
  if (first >= 0xF0 && first < 0xF5) return 4;
  return 0;
}

bool is_valid(int32_t code_point, size_t length) {
  constexpr int32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  bool surrogate = code_point >= 0xD800 && code_point < 0xE000;
  return code_point >= kLeast[length] && code_point <= 0x10FFFF && !surrogate;
}

std::string with_spaces(std::string_view line) {
  std::string text(line);
  std::ranges::replace(text, '\t', ' ');
  return text;
}

// The dots up to the column and the mark under it; wide ones under wide characters.
std::string pointer_line(std::string_view line, int32_t column) {
  std::string out;
  size_t bytes = 0;
  for (int32_t i = 0; i < column && !line.empty(); ++i) {
    decode_utf8(line, bytes);
    line.remove_prefix(bytes);
    out += bytes > 1 ? kWideDot : ".";
  }
  bytes = 1;
  if (!line.empty()) decode_utf8(line, bytes);
  return out.append(bytes > 1 ? kWideMark : "^");
}

std::string display(const Issue& issue, const Source& source) {
  if (issue.offset < 0) return "ERROR: <input>:-1:0: " + issue.message;
  int32_t line = source.line_of(issue.offset);
  int32_t column = issue.offset - source.line_start(line);
  std::string out = "ERROR: <input>:" + std::to_string(line) + ":" + std::to_string(column + 1) +
                    ": " + issue.message;
  if (source.size() == 0 || source.line_text(line).size() > kMaxSnippetBytes) return out;
  std::string snippet = with_spaces(source.line_text(line));
  return out + "\n | " + snippet + "\n | " + pointer_line(snippet, column);
}

}  // namespace

int32_t decode_utf8(std::string_view text, size_t& bytes) {
  auto first = static_cast<unsigned char>(text[0]);
  size_t length = sequence_length(first);
  bytes = 1;
  if (length == 1) return first;
  if (length == 0 || text.size() < length) return kReplacement;
  int32_t code_point = first & (0x7F >> length);
  for (size_t i = 1; i < length; ++i) {
    auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0) != 0x80) return kReplacement;
    code_point = code_point << 6 | (next & 0x3F);
  }
  if (!is_valid(code_point, length)) return kReplacement;
  bytes = length;
  return code_point;
}

void append_utf8(std::string& out, int32_t code_point) {
  auto c = static_cast<uint32_t>(code_point);
  if (c < 0x80) {
    out += static_cast<char>(c);
    return;
  }
  int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  constexpr uint32_t kLead[] = {0, 0xC0, 0xE0, 0xF0};
  out += static_cast<char>(kLead[more] | c >> (6 * more));
  for (int i = more - 1; i >= 0; --i) out += static_cast<char>(0x80 | (c >> (6 * i) & 0x3F));
}

Source::Source(std::string_view text) : text_(text), lines_{0} {
  starts_.reserve(text.size() + 1);
  for (size_t at = 0; at < text.size();) {
    starts_.push_back(static_cast<uint32_t>(at));
    if (text[at] == '\n') lines_.push_back(static_cast<int32_t>(starts_.size()));
    size_t bytes = 0;
    decode_utf8(text.substr(at), bytes);
    at += bytes;
  }
  starts_.push_back(static_cast<uint32_t>(text.size()));
}

int32_t Source::at(int32_t offset) const {
  if (offset < 0 || offset >= size()) return -1;
  size_t bytes = 0;
  return decode_utf8(text_.substr(starts_[offset]), bytes);
}

std::string_view Source::slice(int32_t from, int32_t to) const {
  from = std::clamp(from, 0, size());
  to = std::clamp(to, from, size());
  return text_.substr(starts_[from], starts_[to] - starts_[from]);
}

int32_t Source::line_of(int32_t offset) const {
  return static_cast<int32_t>(std::ranges::upper_bound(lines_, offset) - lines_.begin());
}

int32_t Source::line_start(int32_t line) const { return lines_[line - 1]; }

std::string_view Source::line_text(int32_t line) const {
  bool last = line == static_cast<int32_t>(lines_.size());
  return slice(lines_[line - 1], last ? size() : lines_[line] - 1);
}

void Issues::add(int32_t offset, std::string message) {
  if (++count_ <= kMaxIssues) issues_.push_back({offset, std::move(message)});
}

std::string Issues::text(const Source& source) const {
  std::vector<std::pair<int32_t, size_t>> sorted;  // by offset, then as they came
  for (size_t i = 0; i < issues_.size(); ++i) sorted.emplace_back(issues_[i].offset, i);
  std::ranges::sort(sorted);
  std::string out;
  for (auto [offset, index] : sorted) {
    if (!out.empty()) out += '\n';
    out += display(issues_[index], source);
  }
  if (count_ <= kMaxIssues) return out;
  return out + "\n" + std::to_string(count_ - kMaxIssues) + " more errors were truncated";
}

}  // namespace tiphys::cel
