// openapi.v2.Document.
#include "apiserver/openapi/document_protobuf.h"
#include "apiserver/openapi/message_shape.h"
#include "apiserver/response/wire.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

using enum MemberForm;

void reference(const Value& value, std::string& out) {
  static constexpr MemberRow kRows[] = {{"$ref", 1}, {"description", 2}};
  encode_shape({kRows}, value, out);
}

bool is_reference(const Value& value) { return !value.as_node().find("$ref").is_null(); }

void schema(const Value& value, std::string& out);

void type_item(const Value& value, std::string& out) {
  if (value.type != ValueType::kList) return append_field(1, value.as_text(), out);
  for (const Value& item : value.as_node().items()) append_field(1, item.as_text(), out);
}

void schema_item(const Value& value, std::string& out) { encode_submessage(1, schema, value, out); }

void additional_properties(const Value& value, std::string& out) {
  if (value.type == ValueType::kBool) return encode_bool(2, value.as_bool(), out);
  encode_submessage(1, schema, value, out);
}

void schemas(const Value& value, std::string& out) {
  static constexpr MemberRow kRows[] = {{"", 1, kEntries, schema}};
  encode_shape({kRows}, value, out);
}

void schema(const Value& value, std::string& out) {
  static constexpr MemberRow kRows[] = {
      {"$ref", 1},
      {"format", 2},
      {"title", 3},
      {"description", 4},
      {"default", 5, kAny},
      {"maximum", 7, kNumber},
      {"minimum", 9, kNumber},
      {"maxLength", 11, kInteger},
      {"minLength", 12, kInteger},
      {"pattern", 13},
      {"maxItems", 14, kInteger},
      {"minItems", 15, kInteger},
      {"uniqueItems", 16, kBool},
      {"maxProperties", 17, kInteger},
      {"minProperties", 18, kInteger},
      {"required", 19, kTexts},
      {"enum", 20, kAnys},
      {"additionalProperties", 21, kMessage, additional_properties},
      {"type", 22, kMessage, type_item},
      {"items", 23, kMessage, schema_item},
      {"allOf", 24, kMessages, schema},
      {"properties", 25, kMessage, schemas},
  };
  encode_shape({kRows, 31}, value, out);
}

void body_parameter(const Value& value, std::string& out) {
  static constexpr MemberRow kRows[] = {{"description", 1},
                                        {"name", 2},
                                        {"in", 3},
                                        {"required", 4, kBool},
                                        {"schema", 5, kMessage, schema}};
  encode_shape({kRows, 6}, value, out);
}

void query_parameter(const Value& value, std::string& out) {
  static constexpr MemberRow kRows[] = {{"required", 1, kBool},
                                        {"in", 2},
                                        {"description", 3},
                                        {"name", 4},
                                        {"type", 6},
                                        {"format", 7},
                                        {"uniqueItems", 20, kBool}};
  encode_shape({kRows, 23}, value, out);
}

void path_parameter(const Value& value, std::string& out) {
  static constexpr MemberRow kRows[] = {{"required", 1, kBool},
                                        {"in", 2},
                                        {"description", 3},
                                        {"name", 4},
                                        {"type", 5},
                                        {"format", 6},
                                        {"uniqueItems", 19, kBool}};
  encode_shape({kRows, 22}, value, out);
}

void non_body_parameter(const Value& value, std::string& out) {
  bool path = value.as_node().find("in").as_text() == "path";
  encode_submessage(path ? 4 : 3, path ? path_parameter : query_parameter, value, out);
}

void parameter(const Value& value, std::string& out) {
  bool body = value.as_node().find("in").as_text() == "body";
  encode_submessage(body ? 1 : 2, body ? body_parameter : non_body_parameter, value, out);
}

void parameters_item(const Value& value, std::string& out) {
  bool refers = is_reference(value);
  encode_submessage(refers ? 2 : 1, refers ? reference : parameter, value, out);
}

void parameters(const Value& value, std::string& out) {
  static constexpr MemberRow kRows[] = {{"", 1, kEntries, parameter}};
  encode_shape({kRows}, value, out);
}

void response(const Value& value, std::string& out) {
  static constexpr MemberRow kRows[] = {{"description", 1}, {"schema", 2, kMessage, schema_item}};
  encode_shape({kRows, 5}, value, out);
}

void response_value(const Value& value, std::string& out) {
  bool refers = is_reference(value);
  encode_submessage(refers ? 2 : 1, refers ? reference : response, value, out);
}

void responses(const Value& value, std::string& out) {
  static constexpr MemberRow kRows[] = {{"", 1, kEntries, response_value}};
  encode_shape({kRows, 2}, value, out);
}

void operation(const Value& value, std::string& out) {
  static constexpr MemberRow kRows[] = {
      {"tags", 1, kTexts},
      {"description", 3},
      {"operationId", 5},
      {"produces", 6, kTexts},
      {"consumes", 7, kTexts},
      {"parameters", 8, kMessages, parameters_item},
      {"responses", 9, kMessage, responses},
      {"schemes", 10, kTexts},
      {"deprecated", 11, kBool},
  };
  encode_shape({kRows, 13}, value, out);
}

void path_item(const Value& value, std::string& out) {
  static constexpr MemberRow kRows[] = {
      {"get", 2, kMessage, operation},     {"put", 3, kMessage, operation},
      {"post", 4, kMessage, operation},    {"delete", 5, kMessage, operation},
      {"options", 6, kMessage, operation}, {"head", 7, kMessage, operation},
      {"patch", 8, kMessage, operation},   {"parameters", 9, kMessages, parameters_item},
  };
  encode_shape({kRows, 10}, value, out);
}

void paths(const Value& value, std::string& out) {
  static constexpr MemberRow kRows[] = {{"", 2, kEntries, path_item}};
  encode_shape({kRows, 1}, value, out);
}

void info(const Value& value, std::string& out) {
  static constexpr MemberRow kRows[] = {{"title", 1}, {"version", 2}, {"description", 3}};
  encode_shape({kRows, 7}, value, out);
}

void api_key(const Value& value, std::string& out) {
  static constexpr MemberRow kRows[] = {{"type", 1}, {"name", 2}, {"in", 3}, {"description", 4}};
  encode_shape({kRows, 5}, value, out);
}

void security_definition(const Value& value, std::string& out) {
  encode_submessage(2, api_key, value, out);
}

void security_definitions(const Value& value, std::string& out) {
  static constexpr MemberRow kRows[] = {{"", 1, kEntries, security_definition}};
  encode_shape({kRows}, value, out);
}

void string_array(const Value& value, std::string& out) {
  for (const Value& item : value.as_node().items()) append_field(1, item.as_text(), out);
}

void security_requirement(const Value& value, std::string& out) {
  static constexpr MemberRow kRows[] = {{"", 1, kEntries, string_array}};
  encode_shape({kRows}, value, out);
}

}  // namespace

Result<std::string> document_protobuf_v2(std::string_view json) {
  static constexpr MemberRow kRows[] = {
      {"swagger", 1},
      {"info", 2, kMessage, info},
      {"paths", 8, kMessage, paths},
      {"definitions", 9, kMessage, schemas},
      {"parameters", 10, kMessage, parameters},
      {"security", 12, kMessages, security_requirement},
      {"securityDefinitions", 13, kMessage, security_definitions},
  };
  Arena arena;
  TIPHYS_TRY(Value, document, codec::decode_json_any(json, arena));
  std::string out;
  encode_shape({kRows, 16}, document, out);
  return out;
}

}  // namespace tiphys::apiserver
