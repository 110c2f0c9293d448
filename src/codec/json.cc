// The JSON entry points of codec.h.
#include "codec/codec.h"
#include "codec/json_decoder.h"
#include "codec/json_encoder.h"

namespace tiphys::codec {

Result<Node*> decode_json(std::string_view text, const schema::Message& type, Arena& arena,
                          DecodeNotes* notes) {
  return JsonDecoder(text, arena, notes).decode(type);
}

void encode_json(const schema::Message& type, const Node& root, std::string& out) {
  JsonEncoder(out).write_object(type, root, nullptr);
}

Result<Value> decode_json_any(std::string_view text, Arena& arena, DecodeNotes* notes) {
  return JsonDecoder(text, arena, notes).decode_any();
}

void encode_json_any(const Value& value, std::string& out) { JsonEncoder(out).write_any(value); }

Value to_any(const schema::Message& type, const Node& root, Arena& arena) {
  std::string text;
  encode_json(type, root, text);
  Result<Value> value = decode_json_any(text, arena);
  return value ? *value : Value();
}

Result<Node*> from_any(const Value& any, const schema::Message& type, Arena& arena,
                       DecodeNotes* notes) {
  std::string text;
  encode_json_any(any, text);
  return decode_json(text, type, arena, notes);
}

}  // namespace tiphys::codec
