#include "apiserver/registry/defaults.h"

#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

void default_struct(Arena& arena, const schema::Message& type, Node& node);

Value parse_default(const schema::Field& field, Arena& arena) {
  auto value = codec::decode_json_any(field.default_json, arena);
  if (!value) return Value();
  // A default of a struct is `{}`; scalars have the field's own representation.
  if (value->type == ValueType::kMap) return arena.make(ValueType::kStruct);
  return *value;
}

void default_field(Arena& arena, const schema::Message& type, Node& node, uint16_t index) {
  const schema::Field& field = type.fields[index];
  if (!field.default_json.empty() && node.field(index).is_null()) {
    Value value = parse_default(field, arena);
    bool zero = field.zero_is_absent() && (value.as_text().empty() && value.as_int() == 0);
    if (!value.is_null() && !zero) set_field(arena, node, index, value);
  }
  if (field.kind != schema::FieldKind::kMessage || !field.message) return;
  const Value& value = node.field(index);
  if (field.shape == schema::Shape::kSingular && value.type == ValueType::kStruct) {
    default_struct(arena, *field.message, *value.node);
  } else if (value.type == ValueType::kList || value.type == ValueType::kMap) {
    for (uint32_t i = 0; i < value.node->size; ++i) {
      const Value& item = value.node->data[i];
      if (item.type == ValueType::kStruct) default_struct(arena, *field.message, *item.node);
    }
  }
}

void default_struct(Arena& arena, const schema::Message& type, Node& node) {
  for (uint16_t i = 0; i < type.fields.size(); ++i) default_field(arena, type, node, i);
}

}  // namespace

void apply_schema_defaults(Draft& object) {
  default_struct(object.arena(), object.type(), object.root());
}

}  // namespace tiphys::apiserver
