// openapi.v3.Document.
#include "apiserver/openapi/document_protobuf.h"
#include "apiserver/openapi/message_shape.h"
#include "apiserver/response/wire.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

using enum MemberForm;

void reference(const Value& value, std::string& out) {
  static constexpr MemberRow kRows[] = {{"$ref", 1}, {"description", 3}};
  encode_shape({kRows}, value, out);
}

// {message = 1} or {Reference = 2}
void or_reference(MessageEncoder encode, const Value& value, std::string& out) {
  bool refers = !value.as_node().find("$ref").is_null();
  encode_submessage(refers ? 2 : 1, refers ? reference : encode, value, out);
}

void schema(const Value& value, std::string& out);

void schema_or_reference(const Value& value, std::string& out) { or_reference(schema, value, out); }

void items(const Value& value, std::string& out) {
  encode_submessage(1, schema_or_reference, value, out);
}

void additional_properties(const Value& value, std::string& out) {
  if (value.type == ValueType::kBool) return encode_bool(2, value.as_bool(), out);
  encode_submessage(1, schema_or_reference, value, out);
}

// DefaultType has no objects and lists: they stay empty, as gnostic leaves them.
void default_value(const Value& value, std::string& out) {
  if (value.type == ValueType::kBool) return encode_bool(2, value.as_bool(), out);
  if (value.type == ValueType::kString) return append_field(3, value.as_text(), out);
  if (value.is_node()) return;
  encode_double(1, value.as_double(), out);
}

void schemas(const Value& value, std::string& out) {
  static constexpr MemberRow kRows[] = {{"", 1, kEntries, schema_or_reference}};
  encode_shape({kRows}, value, out);
}

void schema(const Value& value, std::string& out) {
  static constexpr MemberRow kRows[] = {
      {"nullable", 1, kBool},
      {"title", 9},
      {"maximum", 11, kNumber},
      {"minimum", 13, kNumber},
      {"maxLength", 15, kInteger},
      {"minLength", 16, kInteger},
      {"pattern", 17},
      {"maxItems", 18, kInteger},
      {"minItems", 19, kInteger},
      {"uniqueItems", 20, kBool},
      {"maxProperties", 21, kInteger},
      {"minProperties", 22, kInteger},
      {"required", 23, kTexts},
      {"enum", 24, kAnys},
      {"type", 25},
      {"allOf", 26, kMessages, schema_or_reference},
      {"oneOf", 27, kMessages, schema_or_reference},
      {"anyOf", 28, kMessages, schema_or_reference},
      {"items", 30, kMessage, items},
      {"properties", 31, kMessage, schemas},
      {"additionalProperties", 32, kMessage, additional_properties},
      {"default", 33, kMessage, default_value},
      {"description", 34},
      {"format", 35},
  };
  encode_shape({kRows, 36}, value, out);
}

void media_type(const Value& value, std::string& out) {
  static constexpr MemberRow kRows[] = {{"schema", 1, kMessage, schema_or_reference}};
  encode_shape({kRows, 5}, value, out);
}

void media_types(const Value& value, std::string& out) {
  static constexpr MemberRow kRows[] = {{"", 1, kEntries, media_type}};
  encode_shape({kRows}, value, out);
}

void plain_parameter(const Value& value, std::string& out) {
  static constexpr MemberRow kRows[] = {
      {"name", 1},
      {"in", 2},
      {"description", 3},
      {"required", 4, kBool},
      {"schema", 10, kMessage, schema_or_reference},
  };
  encode_shape({kRows, 14}, value, out);
}

void parameter(const Value& value, std::string& out) { or_reference(plain_parameter, value, out); }

void plain_body(const Value& value, std::string& out) {
  static constexpr MemberRow kRows[] = {
      {"description", 1}, {"content", 2, kMessage, media_types}, {"required", 3, kBool}};
  encode_shape({kRows, 4}, value, out);
}

void body(const Value& value, std::string& out) { or_reference(plain_body, value, out); }

void plain_response(const Value& value, std::string& out) {
  static constexpr MemberRow kRows[] = {{"description", 1}, {"content", 3, kMessage, media_types}};
  encode_shape({kRows, 5}, value, out);
}

void response(const Value& value, std::string& out) { or_reference(plain_response, value, out); }

void responses(const Value& value, std::string& out) {
  static constexpr MemberRow kRows[] = {{"", 2, kEntries, response}};
  encode_shape({kRows, 3}, value, out);
}

void operation(const Value& value, std::string& out) {
  static constexpr MemberRow kRows[] = {
      {"tags", 1, kTexts},
      {"description", 3},
      {"operationId", 5},
      {"parameters", 6, kMessages, parameter},
      {"requestBody", 7, kMessage, body},
      {"responses", 8, kMessage, responses},
      {"deprecated", 10, kBool},
  };
  encode_shape({kRows, 13}, value, out);
}

void path_item(const Value& value, std::string& out) {
  static constexpr MemberRow kRows[] = {
      {"get", 4, kMessage, operation},     {"put", 5, kMessage, operation},
      {"post", 6, kMessage, operation},    {"delete", 7, kMessage, operation},
      {"options", 8, kMessage, operation}, {"head", 9, kMessage, operation},
      {"patch", 10, kMessage, operation},  {"parameters", 13, kMessages, parameter},
  };
  encode_shape({kRows, 14}, value, out);
}

void paths(const Value& value, std::string& out) {
  static constexpr MemberRow kRows[] = {{"", 1, kEntries, path_item}};
  encode_shape({kRows, 2}, value, out);
}

void info(const Value& value, std::string& out) {
  static constexpr MemberRow kRows[] = {{"title", 1}, {"description", 2}, {"version", 6}};
  encode_shape({kRows, 7}, value, out);
}

void components(const Value& value, std::string& out) {
  static constexpr MemberRow kRows[] = {{"schemas", 1, kMessage, schemas}};
  encode_shape({kRows, 10}, value, out);
}

}  // namespace

Result<std::string> document_protobuf_v3(std::string_view json) {
  static constexpr MemberRow kRows[] = {
      {"openapi", 1},
      {"info", 2, kMessage, info},
      {"paths", 4, kMessage, paths},
      {"components", 5, kMessage, components},
  };
  Arena arena;
  TIPHYS_TRY(Value, document, codec::decode_json_any(json, arena));
  std::string out;
  encode_shape({kRows, 9}, document, out);
  return out;
}

}  // namespace tiphys::apiserver
