#include "apiserver/openapi/message_shape.h"

#include <cstring>

#include "apiserver/response/wire.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

// JSON is YAML too.
void encode_any(const Value& value, std::string& out) {
  std::string json;
  codec::encode_json_any(value, json);
  append_field(2, json, out);
}

void encode_named(uint32_t number, std::string_view name, MessageEncoder encode, const Value& value,
                  std::string& out) {
  std::string entry;
  append_field(1, name, entry);
  encode_submessage(2, encode, value, entry);
  append_field(number, entry, out);
}

const MemberRow* find_row(const MessageShape& shape, std::string_view name) {
  const MemberRow* entries = nullptr;
  for (const MemberRow& row : shape.rows) {
    if (row.form == MemberForm::kEntries) entries = &row;
    if (row.name == name) return &row;
  }
  return entries;
}

void encode_member(const MemberRow& row, std::string_view name, const Value& value,
                   std::string& out) {
  switch (row.form) {
    case MemberForm::kText:
      return append_field(row.number, value.as_text(), out);
    case MemberForm::kTexts:
      for (const Value& item : value.as_node().items()) {
        append_field(row.number, item.as_text(), out);
      }
      return;
    case MemberForm::kBool:
      return encode_bool(row.number, value.as_bool(), out);
    case MemberForm::kInteger:
      append_varint(row.number << 3, out);
      return append_varint(static_cast<uint64_t>(value.as_int()), out);
    case MemberForm::kNumber:
      return encode_double(row.number, value.as_double(), out);
    case MemberForm::kAny:
      return encode_submessage(row.number, encode_any, value, out);
    case MemberForm::kAnys:
      for (const Value& item : value.as_node().items()) {
        encode_submessage(row.number, encode_any, item, out);
      }
      return;
    case MemberForm::kMessage:
      return encode_submessage(row.number, row.encode, value, out);
    case MemberForm::kMessages:
      for (const Value& item : value.as_node().items()) {
        encode_submessage(row.number, row.encode, item, out);
      }
      return;
    case MemberForm::kEntries:
      return encode_named(row.number, name, row.encode, value, out);
  }
}

}  // namespace

void encode_bool(uint32_t number, bool value, std::string& out) {
  append_varint(number << 3, out);
  append_varint(value ? 1 : 0, out);
}

void encode_double(uint32_t number, double value, std::string& out) {
  append_varint(number << 3 | 1, out);
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

void encode_submessage(uint32_t number, MessageEncoder encode, const Value& value,
                       std::string& out) {
  std::string content;
  encode(value, content);
  append_field(number, content, out);
}

void encode_shape(const MessageShape& shape, const Value& value, std::string& out) {
  if (value.type != ValueType::kMap) return;
  const Node& members = value.as_node();
  for (uint32_t i = 0; i < members.entries(); ++i) {
    std::string_view name = members.data[2 * i].as_text();
    const Value& member = members.data[2 * i + 1];
    if (shape.extensions != 0 && name.starts_with("x-")) {
      encode_named(shape.extensions, name, encode_any, member, out);
    } else if (const MemberRow* row = find_row(shape, name)) {
      encode_member(*row, name, member, out);
    }
  }
}

}  // namespace tiphys::apiserver
