#include <algorithm>

#include "object/selector.h"

namespace tiphys {
namespace {

// Splits at commas that no backslash stands before.
std::vector<std::string_view> split_terms(std::string_view text) {
  std::vector<std::string_view> terms;
  size_t begin = 0;
  bool escaped = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (escaped) {
      escaped = false;
    } else if (text[i] == '\\') {
      escaped = true;
    } else if (text[i] == ',') {
      terms.push_back(text.substr(begin, i - begin));
      begin = i + 1;
    }
  }
  terms.push_back(text.substr(begin));
  return terms;
}

Result<std::string> unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '\\') {
      if (i + 1 == text.size() ||
          std::string_view("\\,=").find(text[i + 1]) == std::string_view::npos) {
        return ApiStatus::bad_request("invalid field selector: invalid escape sequence: " +
                                      std::string(text.substr(i, 2)));
      }
      c = text[++i];
    } else if (c == '=' || c == ',') {
      // Go prints the rune as a number.
      return ApiStatus::bad_request("invalid field selector: unescaped character in value: " +
                                    std::to_string(c));
    }
    out += c;
  }
  return out;
}

std::string escape(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\\' || c == ',' || c == '=') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

Result<FieldSelector> FieldSelector::parse(std::string_view text) {
  FieldSelector selector;
  std::vector<std::string_view> terms = split_terms(text);
  std::sort(terms.begin(), terms.end());
  for (std::string_view term : terms) {
    if (term.empty()) continue;
    size_t at = term.find_first_of("!=");
    while (at != std::string_view::npos && term[at] == '!' && !term.substr(at).starts_with("!=")) {
      at = term.find_first_of("!=", at + 1);
    }
    if (at == std::string_view::npos) {
      return ApiStatus::bad_request("invalid selector: '" + std::string(text) +
                                    "'; can't understand '" + std::string(term) + "'");
    }
    bool equal = term[at] == '=';
    size_t length = !equal || term.substr(at).starts_with("==") ? 2 : 1;
    TIPHYS_TRY(std::string, value, unescape(term.substr(at + length)));
    selector.terms_.push_back({std::string(term.substr(0, at)), std::move(value), equal});
  }
  return selector;
}

bool FieldSelector::matches(const std::function<std::string(std::string_view)>& value_of) const {
  return std::all_of(terms_.begin(), terms_.end(), [&](const Term& term) {
    return (value_of(term.field) == term.value) == term.equal;
  });
}

const std::string* FieldSelector::required(std::string_view field) const {
  for (const Term& term : terms_) {
    if (term.equal && term.field == field) return &term.value;
  }
  return nullptr;
}

std::string FieldSelector::text() const {
  std::string out;
  for (const Term& term : terms_) {
    if (!out.empty()) out += ',';
    out += term.field + (term.equal ? "=" : "!=") + escape(term.value);
  }
  return out;
}

}  // namespace tiphys
