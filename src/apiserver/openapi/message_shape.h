// MessageShape: how members of a JSON object become fields of a protobuf message, as rows. Pure.
#pragma once
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "object/value.h"

namespace tiphys::apiserver {

// Appends the content of a message made of a JSON value.
using MessageEncoder = void (*)(const Value& value, std::string& out);

enum class MemberForm : uint8_t {
  kText,
  kTexts,  // of an array
  kBool,
  kInteger,  // int64
  kNumber,   // double
  kAny,      // gnostic's Any: {yaml = 2}
  kAnys,     // of an array
  kMessage,
  kMessages,  // of an array
  kEntries,   // every member not in another row: {name = 1, value = 2}
};

struct MemberRow {
  std::string_view name;
  uint32_t number = 0;
  MemberForm form = MemberForm::kText;
  MessageEncoder encode = nullptr;
};

struct MessageShape {
  std::span<const MemberRow> rows;
  uint32_t extensions = 0;  // NamedAny field of the members named x-...; 0: none
};

// Members of value that are in no row are left out.
void encode_shape(const MessageShape& shape, const Value& value, std::string& out);
// One field that holds a message.
void encode_submessage(uint32_t number, MessageEncoder encode, const Value& value,
                       std::string& out);
void encode_bool(uint32_t number, bool value, std::string& out);
void encode_double(uint32_t number, double value, std::string& out);

}  // namespace tiphys::apiserver
