// SchemaWriter: the schema tables as OpenAPI schemas, of version 2 (definitions) or 3 (components).
// Pure.
#pragma once
#include <map>
#include <set>
#include <string>

#include "apiserver/openapi/json_text.h"
#include "schema/message.h"

namespace tiphys::apiserver {

enum class OpenApiVersion : uint8_t { kV2, kV3 };

// "io.k8s.api.core.v1.Pod"
std::string openapi_name(const schema::Message& message);
// "#/definitions/NAME" or "#/components/schemas/NAME"
std::string openapi_reference(OpenApiVersion version, std::string_view name);

class SchemaWriter {
 public:
  explicit SchemaWriter(OpenApiVersion version) : version_(version) {}
  // The message and all that it refers to.
  void add(const schema::Message& message);
  // {"name":{...},...} of all that was added, by name.
  std::string json() const;

 private:
  void add_field(const schema::Field& field);
  void write_message(const schema::Message& message, JsonText& out) const;
  void write_members(const schema::Message& message, JsonText& out, JsonText& required) const;
  void write_field(const schema::Message& owner, const schema::Field& field, JsonText& out) const;
  void write_type(const schema::Field& field, bool wrapped, JsonText& out) const;
  void write_special(schema::FieldKind kind, JsonText& out) const;

  OpenApiVersion version_;
  std::map<std::string, const schema::Message*> messages_;
  std::map<std::string, schema::FieldKind> specials_;  // Time, Quantity, ...
  std::set<std::string> opaque_;                       // unions in JSON: any value
};

}  // namespace tiphys::apiserver
