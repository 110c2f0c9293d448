#include "apiserver/patch/go_text.h"

#include <charconv>

#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

constexpr int kMinFixedExponent = -4;  // below: scientific
constexpr int kMaxFixedExponent = 6;   // from here on: scientific

std::string chars_of(double number, std::chars_format format) {
  char text[64];
  auto end = std::to_chars(text, text + sizeof text, number, format).ptr;
  return std::string(text, end);
}

using Print = std::string (*)(const Value&);

std::string join_items(const Value& list, std::string_view separator, Print print) {
  std::string text;
  for (uint32_t i = 0; i < list.as_node().size; ++i) {
    if (i > 0) text += separator;
    text += print(list.node->data[i]);
  }
  return text;
}

}  // namespace

std::string go_float_text(double number) {
  std::string scientific = chars_of(number, std::chars_format::scientific);
  size_t mark = scientific.find('e');
  if (mark == std::string::npos) return scientific;  // infinite, no number
  std::string_view digits = std::string_view(scientific).substr(mark + 1);
  if (digits.starts_with('+')) digits.remove_prefix(1);
  int64_t exponent = parse_int(digits).value_or(0);
  bool fixed = exponent >= kMinFixedExponent && exponent < kMaxFixedExponent;
  return fixed ? chars_of(number, std::chars_format::fixed) : scientific;
}

std::string go_value_text(const Value& value) {
  switch (value.type) {
    case ValueType::kNull:
      return "<nil>";
    case ValueType::kBool:
      return value.as_bool() ? "true" : "false";
    case ValueType::kInt:
      return std::to_string(value.i);
    case ValueType::kDouble:
      return go_float_text(value.d);
    case ValueType::kList:
      return "[" + join_items(value, " ", go_value_text) + "]";
    case ValueType::kMap:
      break;
    default:
      return std::string(value.as_text());
  }
  std::string text = "map[";
  for (uint32_t i = 0; i + 1 < value.node->size; i += 2) {
    if (i > 0) text += ' ';
    text += std::string(value.node->data[i].as_text()) + ":";
    text += go_value_text(value.node->data[i + 1]);
  }
  return text + "]";
}

std::string go_syntax_text(const Value& value) {
  if (value.is_null()) return "interface {}(nil)";
  if (value.is_text()) return go_quote(value.as_text());
  if (value.type == ValueType::kList) {
    return "[]interface {}{" + join_items(value, ", ", go_syntax_text) + "}";
  }
  if (value.type != ValueType::kMap) return go_value_text(value);
  std::string text = "map[string]interface {}{";
  for (uint32_t i = 0; i + 1 < value.node->size; i += 2) {
    if (i > 0) text += ", ";
    text += go_quote(value.node->data[i].as_text()) + ":";
    text += go_syntax_text(value.node->data[i + 1]);
  }
  return text + "}";
}

std::string_view go_type_text(const Value& value) {
  switch (value.type) {
    case ValueType::kNull:
      return "<nil>";
    case ValueType::kBool:
      return "bool";
    case ValueType::kInt:
    case ValueType::kDouble:
      return "float64";
    case ValueType::kList:
      return "[]interface {}";
    case ValueType::kMap:
      return "map[string]interface {}";
    default:
      return "string";
  }
}

}  // namespace tiphys::apiserver
