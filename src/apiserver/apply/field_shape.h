// How ownership sees a field: as one leaf, or as members, items or entries owned one by one. Pure.
#pragma once
#include <string>

#include "object/value.h"
#include "schema/message.h"

namespace tiphys::apiserver {

inline bool is_struct(const schema::Field& field) {
  return field.kind == schema::FieldKind::kMessage && field.message != nullptr;
}

// Scalars, untyped values, atomic lists, maps and structs.
inline bool is_leaf(const schema::Field& field) {
  if (field.shape == schema::Shape::kList) return field.list_type == schema::ListType::kAtomic;
  if (field.shape == schema::Shape::kMap) return field.map_atomic;
  return !is_struct(field) || field.struct_atomic || field.message->struct_atomic;
}

// Items and entries that are structs whose members are owned one by one.
inline bool has_owned_members(const schema::Field& field) {
  return is_struct(field) && !field.struct_atomic && !field.message->struct_atomic;
}

// The FieldsV1 element of an item of an untyped list: keys that are absent take their defaults, or
// are left out.
std::string untyped_element(const schema::Field& list, const Value& item);

}  // namespace tiphys::apiserver
