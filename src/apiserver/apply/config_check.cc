#include "apiserver/apply/config_check.h"

#include <optional>
#include <set>
#include <vector>

#include "apiserver/apply/field_shape.h"
#include "apiserver/managed_fields/path_text.h"
#include "apiserver/patch/go_text.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

using schema::Field;
using schema::FieldKind;
using schema::ListType;
using schema::Message;
using schema::Shape;

enum class Scalar : uint8_t { kText, kNumber, kBool, kAnyScalar, kAnything };

Scalar scalar_of(const Field& field) {
  switch (field.kind) {
    case FieldKind::kBool:
      return Scalar::kBool;
    case FieldKind::kInt32:
    case FieldKind::kInt64:
    case FieldKind::kDouble:
      return Scalar::kNumber;
    case FieldKind::kString:
    case FieldKind::kBytes:
    case FieldKind::kDuration:
      return Scalar::kText;
    case FieldKind::kTime:
    case FieldKind::kMicroTime:
    case FieldKind::kQuantity:
    case FieldKind::kIntOrString:
      return Scalar::kAnyScalar;
    default:
      return Scalar::kAnything;
  }
}

// Upstream's value, printed through its pointer.
std::string shown(const Value& value) { return "&{" + go_value_text(value) + "}"; }

std::string scalar_problem(Scalar scalar, const Value& value) {
  bool number = value.type == ValueType::kInt || value.type == ValueType::kDouble;
  bool text = value.type == ValueType::kString;
  bool boolean = value.type == ValueType::kBool;
  if (value.is_null() || scalar == Scalar::kAnything) return "";
  if (scalar == Scalar::kText && !text) {
    return "expected string, got &value.valueUnstructured{Value:" + go_syntax_text(value) + "}";
  }
  if (scalar == Scalar::kNumber && !number) {
    return "expected numeric (int or float), got " + std::string(go_type_text(value));
  }
  if (scalar == Scalar::kBool && !boolean) return "expected boolean, got " + shown(value);
  if (scalar == Scalar::kAnyScalar && !number && !text && !boolean) {
    return "expected any scalar, got " + shown(value);
  }
  return "";
}

std::string quoted_keys(const Field& list) {
  std::vector<std::string> keys;
  for (std::string_view key : list.list_map_keys) keys.push_back(go_quote(key));
  return "[" + join(keys, " ") + "]";
}

// Why the item has no place in a keyed or set list; "" if it has.
std::string item_problem(const Field& list, const Value& item) {
  if (list.list_type == ListType::kSet) {
    std::string_view no = "associative list without keys has an element that's ";
    if (item.type == ValueType::kMap) return std::string(no) + "a map type";
    if (item.is_null()) return std::string(no) + "an explicit null";
    if (item.type == ValueType::kList) {
      return "not supported: associative list with lists as elements";
    }
    return "";
  }
  std::string_view no = "associative list with keys may not have ";
  if (item.is_null()) return std::string(no) + "a null element";
  if (item.type != ValueType::kMap) return std::string(no) + "non-map elements";
  if (untyped_element(list, item) != "k:{}") return "";
  return "associative list with keys has an element that omits all key fields " +
         quoted_keys(list) + " (and doesn't have default values for any key fields)";
}

class Checker {
 public:
  std::vector<std::string> problems;

  void check_struct(const Message& type, const Value& value) {
    const Node& members = value.as_node();
    for (uint32_t i = 0; i + 1 < members.size; i += 2) {
      std::string_view name = members.data[i].as_text();
      schema::JsonMember member = schema::find_json(type, name);
      path_.push_back("f:" + std::string(name));
      if (member.field) {
        check_field(*member.field, members.data[i + 1]);
      } else {
        add("field not declared in schema");
      }
      path_.pop_back();
      if (!member.field) return;  // as upstream, which looks no further
    }
  }

 private:
  void add(const std::string& problem) { problems.push_back(path_text(path_) + ": " + problem); }

  void check_field(const Field& field, const Value& value) {
    if (value.is_null()) return;
    if (field.shape == Shape::kList) return check_list(field, value);
    if (field.shape == Shape::kSingular) return check_single(field, value);
    if (value.type != ValueType::kMap) return add("expected map, got " + shown(value));
    for (uint32_t i = 0; i + 1 < value.node->size; i += 2) {
      path_.push_back("f:" + std::string(value.node->data[i].as_text()));
      check_single(field, value.node->data[i + 1]);
      path_.pop_back();
    }
  }

  void check_single(const Field& field, const Value& value) {
    if (value.is_null()) return;
    if (is_struct(field)) {
      if (value.type != ValueType::kMap) return add("expected map, got " + shown(value));
      return check_struct(*field.message, value);
    }
    if (field.kind == FieldKind::kStringList) return check_strings(value);
    std::string problem = scalar_problem(scalar_of(field), value);
    if (!problem.empty()) add(problem);
  }

  void check_strings(const Value& value) {
    if (value.type != ValueType::kList) return add("expected list, got " + shown(value));
    for (uint32_t i = 0; i < value.node->size; ++i) {
      path_.push_back("i:" + std::to_string(i));
      std::string problem = scalar_problem(Scalar::kText, value.node->data[i]);
      if (!problem.empty()) add(problem);
      path_.pop_back();
    }
  }

  void check_list(const Field& field, const Value& value) {
    if (value.type != ValueType::kList) return add("expected list, got " + shown(value));
    std::set<std::string> seen;
    for (uint32_t i = 0; i < value.node->size; ++i) {
      const Value& item = value.node->data[i];
      std::string element = "i:" + std::to_string(i);
      if (field.list_type != ListType::kAtomic) {
        std::string problem = item_problem(field, item);
        if (!problem.empty()) return add("element " + std::to_string(i) + ": " + problem);
        element = untyped_element(field, item);
        if (!seen.insert(element).second) {
          add("duplicate entries for key " + element_text(element));
        }
      }
      path_.push_back(std::move(element));
      check_single(field, item);
      path_.pop_back();
    }
  }

  FieldSet::Path path_;
};

}  // namespace

std::string config_problems(const Message& type, const Value& config) {
  Checker checker;
  checker.check_struct(type, config);
  if (checker.problems.empty()) return "";
  if (checker.problems.size() == 1) return checker.problems.front();
  return "errors:\n  " + join(checker.problems, "\n  ");
}

}  // namespace tiphys::apiserver
