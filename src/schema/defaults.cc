#include "schema/defaults.h"

#include "object/quantity.h"

namespace tiphys::schema {
namespace {

Value value_of(const FieldDefault& d, Arena& arena) {
  switch (d.type) {
    case ValueType::kBool:
      return Value::of_bool(d.integer != 0);
    case ValueType::kInt:
      return Value::of_int(d.integer);
    case ValueType::kString:
      return arena.string(d.text);
    case ValueType::kStruct:
      return arena.make(ValueType::kStruct);
    default:
      return {};
  }
}

void apply_one(const FieldDefault& d, Arena& arena, Node& node) {
  Node* at = &node;
  for (uint8_t i = 0; i + 1 < d.depth; ++i) {
    at = &ensure_node(arena, *at, d.path[i], ValueType::kStruct);
  }
  uint16_t last = d.path[d.depth - 1];
  if (at->field(last).is_null()) set_field(arena, *at, last, value_of(d, arena));
}

// Canonical texts finer than a thousandth end in n, u or a negative exponent.
void round_resources(Arena& arena, Node& map) {
  for (uint32_t i = 1; i < map.size; i += 2) {
    std::string_view text = map.data[i].as_text();
    bool fine =
        text.ends_with('n') || text.ends_with('u') || text.find("e-") != std::string_view::npos;
    if (!fine) continue;
    int64_t milli = Quantity::of(text).milli_value();
    map.data[i] = arena.string(Quantity::milli(milli).text());
  }
}

class Walker {
 public:
  Walker(Arena& arena, FindDefaultRule find_rule) : arena_(arena), find_rule_(find_rule) {}

  void walk(const Message& type, Node& node) {
    for (const FieldDefault& d : type.defaults) apply_one(d, arena_, node);
    if (!type.default_rule.empty() && find_rule_ != nullptr) {
      DefaultRule rule = find_rule_(type.default_rule);
      if (rule != nullptr) rule(arena_, node);
    }
    for (uint16_t index : type.defaulted_fields) walk_field(type.fields[index], index, node);
  }

 private:
  void walk_field(const Field& field, uint16_t index, Node& node) {
    const Value& value = node.field(index);
    if (field.kind == FieldKind::kQuantity) {
      if (value.type == ValueType::kMap) round_resources(arena_, *value.node);
    } else if (field.shape == Shape::kSingular) {
      walk_struct(field, index, node, value);
    } else if (value.is_node()) {
      for (uint32_t i = 0; i < value.node->size; ++i) {
        const Value& item = value.node->data[i];
        if (item.type == ValueType::kStruct) walk(*field.message, *item.node);
      }
    }
  }

  // A struct that is no pointer is always there, even when it is empty and so absent in the tree.
  void walk_struct(const Field& field, uint16_t index, Node& node, const Value& value) {
    if (value.type == ValueType::kStruct) {
      walk(*field.message, *value.node);
    } else if (!field.pointer) {
      Value made = arena_.make(ValueType::kStruct);
      walk(*field.message, *made.node);
      if (made.node->size > 0) set_field(arena_, node, index, made);
    }
  }

  Arena& arena_;
  FindDefaultRule find_rule_;
};

}  // namespace

void apply_defaults(const Message& type, Arena& arena, Node& node, FindDefaultRule find_rule) {
  Walker(arena, find_rule).walk(type, node);
}

}  // namespace tiphys::schema
