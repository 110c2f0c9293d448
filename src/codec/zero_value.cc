#include "codec/zero_value.h"

namespace tiphys::codec {

using schema::FieldKind;

Value zero_value(const schema::Field& field, Arena& arena) {
  switch (field.kind) {
    case FieldKind::kBool:
      return Value::of_bool(false);
    case FieldKind::kDouble:
      return Value::of_double(0);
    case FieldKind::kString:
      return arena.string("");
    case FieldKind::kQuantity:
      return arena.string("0");
    case FieldKind::kBytes:
      return arena.string("", ValueType::kBytes);
    case FieldKind::kStringList:
      return arena.make(ValueType::kList);
    case FieldKind::kMessage:
    case FieldKind::kSchemaOrArray:
    case FieldKind::kSchemaOrBool:
    case FieldKind::kSchemaOrStringArray:
      return arena.make(ValueType::kStruct);
    case FieldKind::kRawExtension:
    case FieldKind::kFieldsV1:
    case FieldKind::kJson:
      return arena.string("", ValueType::kRaw);
    case FieldKind::kTime:
    case FieldKind::kMicroTime:
    case FieldKind::kAny:
      return {};
    default:
      return Value::of_int(0);
  }
}

}  // namespace tiphys::codec
