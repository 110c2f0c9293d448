// PathWriter: path items as OpenAPI documents of version 2 or 3 have them. Pure.
#pragma once
#include <map>
#include <string>

#include "apiserver/openapi/operations.h"
#include "apiserver/openapi/schema_writer.h"

namespace tiphys::apiserver {

class PathWriter {
 public:
  // Types that operations name are added to `schemas`.
  PathWriter(OpenApiVersion version, SchemaWriter& schemas)
      : version_(version), schemas_(schemas) {}
  void write(const PathItem& item, JsonText& out);
  // Version 2: the parameters that the items refer to, {"KEY":{...}}.
  std::string shared_parameters() const;

 private:
  void write_operation(const Operation& operation, JsonText& out);
  void write_parameters(const std::vector<Parameter>& parameters, const schema::Message* body,
                        JsonText& out);
  void write_parameter(const Parameter& parameter, JsonText& out);
  void write_body(const Operation& operation, JsonText& out);
  void write_responses(const Operation& operation, JsonText& out);
  void write_response(std::string_view code, std::string_view text, const Operation& operation,
                      JsonText& out);
  std::string schema_of(const schema::Message* message);

  OpenApiVersion version_;
  SchemaWriter& schemas_;
  std::map<std::string, std::string> shared_;
};

}  // namespace tiphys::apiserver
