// Descriptions: one short sentence of each type and field, from api/v1.35/descriptions.json, for
// documents that people read (OpenAPI, kubectl explain). A type or field without a row gets a
// sentence made of its name. Pure; safe from any thread.
#pragma once
#include <string>

#include "schema/message.h"

namespace tiphys::schema {

std::string describe(const Message& message);
std::string describe_name(std::string_view type);  // of a type by its last name: "Quantity"
// The field as a member of `message` (of which it may be an inlined message's).
std::string describe(const Message& message, const Field& field);
// "kind" and "apiVersion", which are no fields of the tables; empty for other names.
std::string_view describe_type_meta(std::string_view name);

}  // namespace tiphys::schema
