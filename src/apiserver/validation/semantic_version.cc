#include "apiserver/validation/semantic_version.h"

#include <algorithm>

#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_identifier_char(char c) {
  return is_digit(c) || c == '-' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_number(std::string_view text) {
  if (text.empty() || !std::ranges::all_of(text, is_digit)) return false;
  return text.size() == 1 || text[0] != '0';
}

bool is_build_part(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_identifier_char);
}

// Numbers have no leading zeros here.
bool is_pre_release_part(std::string_view text) {
  return is_build_part(text) && (is_number(text) || !std::ranges::all_of(text, is_digit));
}

bool all_parts(std::string_view text, bool (*check)(std::string_view)) {
  return std::ranges::all_of(split(text, '.'), check);
}

}  // namespace

bool is_semantic_version(std::string_view text) {
  size_t plus = text.find('+');
  if (plus != std::string_view::npos) {
    if (!all_parts(text.substr(plus + 1), is_build_part)) return false;
    text = text.substr(0, plus);
  }
  size_t dash = text.find('-');
  if (dash != std::string_view::npos) {
    if (!all_parts(text.substr(dash + 1), is_pre_release_part)) return false;
    text = text.substr(0, dash);
  }
  return split(text, '.').size() == 3 && all_parts(text, is_number);
}

}  // namespace tiphys::apiserver
