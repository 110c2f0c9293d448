#include "apiserver/validation/semantic_equal.h"

namespace tiphys::apiserver {
namespace {

using schema::Field;
using schema::Shape;

bool equal_item(const Field& field, const Value& a, const Value& b) {
  if (a.type != ValueType::kStruct || b.type != ValueType::kStruct || !field.message) {
    return equal(a, b);
  }
  return semantic_equal(*field.message, a.as_node(), b.as_node());
}

// Lists item by item, maps entry by entry (both sorted by key).
bool equal_many(const Field& field, const Node& a, const Node& b) {
  if (a.size != b.size) return false;
  for (uint32_t i = 0; i < a.size; ++i) {
    if (!equal_item(field, a.data[i], b.data[i])) return false;
  }
  return true;
}

}  // namespace

bool semantic_equal(const Field& field, const Value& a, const Value& b) {
  if (field.shape != Shape::kSingular) return equal_many(field, a.as_node(), b.as_node());
  if (!field.message) return equal(a, b);
  if (field.pointer && a.is_null() != b.is_null()) return false;
  return semantic_equal(*field.message, a.as_node(), b.as_node());
}

bool semantic_equal(const schema::Message& message, const Node& a, const Node& b) {
  for (uint16_t i = 0; i < message.fields.size(); ++i) {
    if (!semantic_equal(message.fields[i], a.field(i), b.field(i))) return false;
  }
  return true;
}

}  // namespace tiphys::apiserver
