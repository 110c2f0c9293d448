#include "cel/schema_types.h"

#include <algorithm>

#include "cel/parser.h"

namespace tiphys::cel {
namespace {

using schema::Field;
using schema::FieldKind;
using schema::Message;
using schema::Shape;

class MessageTypes {
 public:
  explicit MessageTypes(Environment& environment)
      : environment_(environment), types_(environment.types()) {}

  const Type* add(const Message& message) {
    if (environment_.find_object(message.name)) return types_.object(message.name);
    // Known before its fields are: messages may hold themselves.
    const Type* type = environment_.add_object(message.name, {});
    ObjectFields fields;
    if (message.type_meta) {
      fields["apiVersion"] = types_.simple(TypeKind::kString);
      fields["kind"] = types_.simple(TypeKind::kString);
    }
    add_fields(message, fields);
    environment_.add_object(message.name, std::move(fields));
    return type;
  }

 private:
  void add_fields(const Message& message, ObjectFields& fields) {
    for (const Field& field : message.fields) {
      if (field.json_hidden) continue;
      if (field.inlined && field.message) {
        add_fields(*field.message, fields);
        continue;
      }
      const Type* type = field_type(field);
      fields[std::string(field.name)] = type;
      if (is_reserved(field.name)) fields["__" + std::string(field.name) + "__"] = type;
    }
  }

  const Type* field_type(const Field& field) {
    const Type* type = item_type(field);
    if (field.shape == Shape::kList) return types_.list(type);
    if (field.shape == Shape::kMap) return types_.map(types_.simple(TypeKind::kString), type);
    return type;
  }

  const Type* item_type(const Field& field) {
    switch (field.kind) {
      case FieldKind::kBool:
        return types_.simple(TypeKind::kBool);
      case FieldKind::kInt32:
      case FieldKind::kInt64:
        return types_.simple(TypeKind::kInt);
      case FieldKind::kDouble:
        return types_.simple(TypeKind::kDouble);
      case FieldKind::kString:
      case FieldKind::kDuration:
        return types_.simple(TypeKind::kString);
      case FieldKind::kBytes:
        return types_.simple(TypeKind::kBytes);
      case FieldKind::kTime:
      case FieldKind::kMicroTime:
        return types_.simple(TypeKind::kTimestamp);
      case FieldKind::kStringList:
        return types_.list(types_.simple(TypeKind::kString));
      case FieldKind::kMessage:
        return add(*field.message);
      default:
        return types_.simple(TypeKind::kDyn);
    }
  }

  Environment& environment_;
  TypeTable& types_;
};

}  // namespace

const Type* add_message_type(Environment& environment, const schema::Message& message) {
  return MessageTypes(environment).add(message);
}

}  // namespace tiphys::cel
