#include "apiserver/validation/rules.h"

#include <algorithm>
#include <set>

#include "apiserver/validation/semantic_equal.h"
#include "base/strings.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

using schema::Field;
using schema::FieldKind;
using schema::Message;
using schema::Rule;
using schema::RuleKind;
using schema::RulePath;
using schema::RuleWhen;
using schema::Shape;

// The JSON text of a field, by way of a struct that holds nothing else.
std::string field_json(const Field& field, const Value& value) {
  Field alone = field;
  alone.inlined = false;
  const uint16_t first = 0;
  Message holder;
  holder.fields = {&alone, 1};
  holder.by_name = {&first, 1};
  Value held = value;
  held.field = 0;
  Node node{&held, 1, 1};
  std::string out;
  codec::encode_json(holder, node, out);
  size_t start = field.name.size() + 4;  // {"name":
  return out.size() > start ? out.substr(start, out.size() - start - 1) : "null";
}

// A scalar as rows write it.
std::string scalar_text(const Value& value) {
  if (value.type == ValueType::kInt) return std::to_string(value.as_int());
  if (value.type == ValueType::kBool) return value.as_bool() ? "true" : "false";
  return std::string(value.as_text());
}

bool is_empty(const Value& value) {
  if (value.is_null()) return true;
  if (value.is_text()) return value.size == 0;
  bool list = value.type == ValueType::kList || value.type == ValueType::kMap;
  return list && value.as_node().size == 0;
}

bool contains(std::span<const std::string_view> values, std::string_view text) {
  return std::ranges::find(values, text) != values.end();
}

std::string range_detail(const Rule& rule) {
  if (rule.high == INT64_MAX) {
    return "must be greater than or equal to " + std::to_string(rule.low);
  }
  if (rule.low == INT64_MIN) return "must be less than or equal to " + std::to_string(rule.high);
  return "must be between " + std::to_string(rule.low) + " and " + std::to_string(rule.high) +
         ", inclusive";
}

// What a row's path leads to. gone: through a pointer that is not set.
struct Target {
  const Message* message;
  const Field* field = nullptr;
  const Node* parent;
  Value value;
  Value old;
  FieldPath path;
  bool gone = false;
};

Target follow(const Message& message, const Node& node, const Node* old, const RulePath& steps,
              const FieldPath& path) {
  Target at{.message = &message, .parent = &node, .path = path};
  at.value = Value::of_node(ValueType::kStruct, const_cast<Node*>(&node));
  if (old) at.old = Value::of_node(ValueType::kStruct, const_cast<Node*>(old));
  for (uint8_t i = 0; i < steps.depth; ++i) {
    if (i > 0 && at.value.is_null() && at.field->pointer) at.gone = true;
    at.parent = &at.value.as_node();
    at.field = &at.message->fields[steps.steps[i]];
    at.value = at.parent->field(steps.steps[i]);
    at.old = at.old.as_node().field(steps.steps[i]);
    if (!at.field->inlined) at.path = at.path.child(at.field->name);
    if (at.field->message) at.message = at.field->message;
  }
  return at;
}

bool same_field(const RulePath& a, const RulePath& b) {
  return std::ranges::equal(std::span(a.steps, a.depth), std::span(b.steps, b.depth));
}

bool same_keys(const Field& field, const Value& a, const Value& b) {
  return std::ranges::all_of(field.list_map_keys, [&](std::string_view key) {
    return equal(schema::find_path(*field.message, a.as_node(), {key}),
                 schema::find_path(*field.message, b.as_node(), {key}));
  });
}

// The item of the old list that this one was.
const Value& old_item(const Field& field, const Value& list, const Value& item) {
  bool keyed = field.message && !field.list_map_keys.empty();
  for (const Value& candidate : list.as_node().items()) {
    if (equal(candidate, item)) return candidate;
  }
  for (const Value& candidate : list.as_node().items()) {
    if (keyed && same_keys(field, candidate, item)) return candidate;
  }
  return kNullValue;
}

class Walker {
 public:
  Walker(const RuleScope& scope, FieldErrors& errors) : scope_(scope), errors_(errors) {}

  void run(std::span<const Rule> rules, const Message& message, const Node& node, const Node* old,
           const FieldPath& path) {
    const RulePath* stopped = nullptr;
    for (const Rule& rule : rules) {
      if (stopped && same_field(*stopped, rule.path)) continue;
      stopped = nullptr;
      if (scope_.old ? !rule.on_update : !rule.on_create) continue;
      if (!holds(rule, message, node)) continue;
      Target target = follow(message, node, old, rule.path, path);
      if (target.gone) continue;
      if (rule.ratchet && scope_.old && unchanged(target)) continue;
      size_t before = errors_.size();
      if (rule.kind == RuleKind::kOneOf) {
        one_of(rule, target);
      } else if (rule.path.each || (rule.kind == RuleKind::kRules && is_many(target))) {
        check_each(rule, target);
      } else {
        check(rule, target);
      }
      if (rule.stop && errors_.size() > before) stopped = &rule.path;
    }
  }

 private:
  static bool holds(const Rule& rule, const Message& message, const Node& node) {
    return std::ranges::all_of(rule.when, [&](const RuleWhen& when) {
      Target target = follow(message, node, nullptr, when.path, FieldPath());
      if (when.values.empty()) return is_empty(target.value) != when.set;
      return contains(when.values, scalar_text(target.value)) != when.negate;
    });
  }

  // The message itself, or a struct that is always there: the row's conditions decide.
  static bool is_plain_struct(const Target& at) {
    if (!at.field) return true;
    return at.field->shape == Shape::kSingular && at.field->message != nullptr &&
           !at.field->pointer;
  }

  static bool unchanged(const Target& at) {
    return at.field ? semantic_equal(*at.field, at.value, at.old) : equal(at.value, at.old);
  }

  static bool is_many(const Target& target) { return target.field->shape != Shape::kSingular; }

  void check_each(const Rule& rule, const Target& list) {
    const Node& items = list.value.as_node();
    bool map = list.value.type == ValueType::kMap;
    for (uint32_t i = 0; i < items.size; i += map ? 2 : 1) {
      Target item = list;
      item.value = items.data[map ? i + 1 : i];
      item.old = map ? list.old.as_node().find(items.data[i].as_text())
                     : old_item(*list.field, list.old, item.value);
      item.path = map ? list.path.key(items.data[i].as_text()) : list.path.index(i);
      if (rule.ratchet && scope_.old && equal(item.value, item.old)) continue;
      check(rule, item);
    }
  }

  void check(const Rule& rule, const Target& at) {
    switch (rule.kind) {
      case RuleKind::kRequired:
        if (is_plain_struct(at) || is_empty(at.value)) errors_.required(at.path, rule.detail);
        return;
      case RuleKind::kForbidden:
        if (is_plain_struct(at) || !is_empty(at.value)) errors_.forbidden(at.path, rule.detail);
        return;
      case RuleKind::kInvalid:
        return invalid(rule, at, rule.detail);
      case RuleKind::kImmutable:
        if (scope_.old && !unchanged(at)) {
          invalid(rule, at, rule.detail.empty() ? "field is immutable" : rule.detail);
        }
        return;
      case RuleKind::kFixed:
        if (scope_.old && !unchanged(at)) errors_.forbidden(at.path, rule.detail);
        return;
      case RuleKind::kUnique:
        return unique(rule, at);
      case RuleKind::kRules:
        return descend(at);
      case RuleKind::kCall:
        return find_rule_call(rule.name)(
            {scope_, at.field, *at.parent, at.value, at.old, at.path, rule.detail}, errors_);
      default:
        return check_value(rule, at);
    }
  }

  // Rules that look at one value; what is absent passes unless the row says otherwise.
  void check_value(const Rule& rule, const Target& at) {
    if (at.value.is_null() && (at.field->pointer || !rule.with_zero)) {
      // A number that is no pointer is zero when it is absent.
      if (rule.kind != RuleKind::kRange || at.field->pointer) return;
    }
    switch (rule.kind) {
      case RuleKind::kEnum:
        if (!contains(rule.texts, at.value.as_text())) {
          errors_.not_supported_raw(at.path, go_quote(at.value.as_text()), rule.texts);
        }
        return;
      case RuleKind::kRange:
        return range(rule, at);
      case RuleKind::kFormat:
        for (const std::string& message : find_rule_format(rule.name)(at.value.as_text())) {
          errors_.invalid(at.path, at.value.as_text(), rule.detail.empty() ? message : rule.detail);
        }
        return;
      case RuleKind::kMaxLength:
        if (at.value.size > rule.high) errors_.too_long(at.path, static_cast<int>(rule.high));
        return;
      default:
        return max_items(rule, at);
    }
  }

  void range(const Rule& rule, const Target& at) {
    int64_t number = at.value.as_int();
    if (number >= rule.low && number <= rule.high) return;
    errors_.invalid(at.path, number, rule.detail.empty() ? range_detail(rule) : rule.detail);
  }

  void max_items(const Rule& rule, const Target& at) {
    const Node& node = at.value.as_node();
    auto count =
        static_cast<int64_t>(at.value.type == ValueType::kMap ? node.entries() : node.size);
    if (count <= rule.high) return;
    errors_.too_many(at.path, static_cast<int>(count), static_cast<int>(rule.high));
  }

  void invalid(const Rule& rule, const Target& at, std::string_view detail) {
    if (!at.field && rule.value.empty()) return errors_.invalid_omitted(at.path, detail);
    std::string value(rule.value);
    if (value.empty()) value = printed_value(*at.field, at.value);
    errors_.invalid_raw(at.path, value, detail);
  }

  void unique(const Rule& rule, const Target& at) {
    std::set<std::string> seen;
    std::span<const Value> items = at.value.as_node().items();
    for (size_t i = 0; i < items.size(); ++i) {
      FieldPath path = at.path.index(i);
      Value key = items[i];
      if (!rule.name.empty()) {
        key = schema::find_path(*at.field->message, items[i].as_node(), {rule.name});
        path = path.child(rule.name);
      }
      if (!key.is_null() && !seen.insert(scalar_text(key)).second) {
        errors_.duplicate(path, scalar_text(key));
      }
    }
  }

  void one_of(const Rule& rule, const Target& at) {
    size_t set = 0;
    for (std::string_view member : rule.texts) {
      if (!schema::find_path(*at.message, at.value.as_node(), {member}).is_null()) ++set;
    }
    if (set != 1) errors_.required(at.path, rule.detail);
  }

  void descend(const Target& at) {
    if (at.value.is_null() && at.field->pointer) return;
    const Message& message = *at.field->message;
    run(message.rules, message, at.value.as_node(), at.old.is_null() ? nullptr : &at.old.as_node(),
        at.path);
  }

  const RuleScope& scope_;
  FieldErrors& errors_;
};

}  // namespace

std::string printed_value(const Field& field, const Value& value) {
  if (value.type == ValueType::kInt && field.kind != FieldKind::kTime &&
      field.kind != FieldKind::kMicroTime && field.kind != FieldKind::kDuration) {
    return std::to_string(value.as_int());
  }
  if (value.type == ValueType::kBool) return value.as_bool() ? "true" : "false";
  if (value.type == ValueType::kString) return go_quote(value.as_text());
  if (value.is_null() && field.zero_is_absent()) {
    if (field.kind == FieldKind::kString) return "\"\"";
    return field.kind == FieldKind::kBool ? "false" : "0";
  }
  return value.is_null() ? "null" : field_json(field, value);
}

std::string printed_field(const Message& message, const Node& node, std::string_view name) {
  const Field& field = *message.find(name);
  return printed_value(field, node.field(message.index_of(field)));
}

void validate_part(const schema::Message& type, const Node& node, const FieldPath& path,
                   FieldErrors& errors) {
  ObjectPtr part = Object::pack(type, nullptr, node);
  RuleScope scope{*part};
  Walker(scope, errors).run(type.rules, type, node, nullptr, path);
}

void validate_fields(const schema::Message& type, const Node& node,
                     std::initializer_list<std::string_view> fields, const FieldPath& path,
                     FieldErrors& errors) {
  std::vector<Rule> rules;
  for (std::string_view name : fields) {
    uint16_t index = type.index_of(*type.find(name));
    std::ranges::copy_if(type.rules, std::back_inserter(rules), [&](const Rule& rule) {
      return rule.path.depth == 1 && rule.path.steps[0] == index;
    });
  }
  ObjectPtr part = Object::pack(type, nullptr, node);
  RuleScope scope{*part};
  Walker(scope, errors).run(rules, type, node, nullptr, path);
}

void validate_rules(const RuleScope& scope, bool status, FieldErrors& errors) {
  const Message& type = scope.object.type();
  Walker(scope, errors)
      .run(status ? type.status_rules : type.rules, type, scope.object.root(),
           scope.old ? &scope.old->root() : nullptr, FieldPath());
}

}  // namespace tiphys::apiserver
