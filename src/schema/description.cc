#include "schema/description.h"

#include <algorithm>
#include <cctype>

#include "schema/tables_index.h"

namespace tiphys::schema {
namespace {

std::string_view find_text(std::string_view key) {
  auto all = tables::descriptions();
  auto at = std::lower_bound(
      all.begin(), all.end(), key,
      [](const tables::Described& row, std::string_view wanted) { return row.key < wanted; });
  return at != all.end() && at->key == key ? at->text : std::string_view();
}

std::string_view short_name(const Message& message) {
  return message.name.substr(message.name.rfind('.') + 1);
}

bool is_upper(char c) { return std::isupper(static_cast<unsigned char>(c)); }

// "podAntiAffinity" -> "Pod anti affinity."; capitals in a row stay as they are.
std::string sentence_of(std::string_view name) {
  std::string text;
  for (size_t i = 0; i < name.size(); ++i) {
    bool next_is_upper = i + 1 == name.size() || is_upper(name[i + 1]);
    bool starts_word = i > 0 && is_upper(name[i]) && (!is_upper(name[i - 1]) || !next_is_upper);
    if (starts_word) text += ' ';
    bool keep = i > 0 && (next_is_upper || !is_upper(name[i]));
    char c = static_cast<char>(std::tolower(static_cast<unsigned char>(name[i])));
    text += keep ? name[i] : c;
  }
  if (!text.empty()) text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text + ".";
}

}  // namespace

std::string describe_name(std::string_view type) {
  std::string_view text = find_text(type);
  return text.empty() ? sentence_of(type) : std::string(text);
}

std::string describe(const Message& message) {
  std::string_view name = short_name(message);
  bool described = !find_text(name).empty();
  if (!described && message.is_list && name.ends_with("List")) {
    return "A list of objects of kind " + std::string(name.substr(0, name.size() - 4)) + ".";
  }
  return describe_name(name);
}

std::string describe(const Message& message, const Field& field) {
  std::string key = std::string(short_name(message)) + "." + std::string(field.name);
  std::string_view text = find_text(key);
  if (text.empty()) text = find_text("." + std::string(field.name));
  return text.empty() ? sentence_of(field.name) : std::string(text);
}

std::string_view describe_type_meta(std::string_view name) {
  return find_text("TypeMeta." + std::string(name));
}

}  // namespace tiphys::schema
