#include "apiserver/response/warnings.h"

#include <algorithm>
#include <unordered_set>

#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

bool starts_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

size_t characters_of(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(text, starts_character));
}

std::string_view cut(std::string_view text, size_t characters) {
  size_t seen = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (starts_character(text[i]) && ++seen > characters) return text.substr(0, i);
  }
  return text;
}

bool is_control(std::string_view text, size_t i) {
  auto byte = static_cast<unsigned char>(text[i]);
  if (byte < 0x20 || byte == 0x7f) return true;
  // U+0080 to U+009F.
  return byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
}

bool can_be_sent(std::string_view text) {
  if (text.empty() || !is_valid_utf8(text)) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (is_control(text, i)) return false;
  }
  return true;
}

std::string header(std::string_view text) {
  std::string out = "299 - \"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

}  // namespace

std::vector<std::string> warning_headers(const std::vector<std::string>& texts) {
  std::vector<std::string_view> kept;
  std::unordered_set<std::string_view> seen;
  size_t total = 0;
  for (std::string_view text : texts) {
    if (!can_be_sent(text) || !seen.insert(text).second) continue;
    kept.push_back(text);
    total += characters_of(text);
  }
  bool cutting = total > kMaxWarningCharacters;
  std::vector<std::string> headers;
  size_t written = 0;
  for (std::string_view text : kept) {
    if (cutting && written >= kMaxWarningCharacters) break;
    if (cutting) text = cut(text, kMaxCutWarningCharacters);
    written += characters_of(text);
    headers.push_back(header(text));
  }
  return headers;
}

}  // namespace tiphys::apiserver
