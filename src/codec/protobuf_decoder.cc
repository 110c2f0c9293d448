#include "codec/protobuf_decoder.h"

#include <bit>

#include "codec/limits.h"
#include "codec/zero_value.h"
#include "object/quantity.h"

namespace tiphys::codec {

using schema::Field;
using schema::FieldKind;
using schema::Shape;

namespace {

enum WireType : uint32_t {
  kVarint = 0,
  kFixed64 = 1,
  kLength = 2,
  kStart = 3,
  kEnd = 4,
  kFixed32 = 5
};

uint32_t wire_type_of(const Field& field) {
  if (field.kind <= FieldKind::kInt64) return kVarint;
  return field.kind == FieldKind::kDouble ? kFixed64 : kLength;
}

}  // namespace

bool WireReader::next(uint32_t& number, uint32_t& wire_type) {
  if (done()) return false;
  uint64_t tag = varint();
  number = static_cast<uint32_t>(tag >> 3);
  wire_type = static_cast<uint32_t>(tag & 7);
  if (number == 0 || tag >> 32 != 0 || wire_type == kEnd) fail();
  return !failed_;
}

uint64_t WireReader::varint() {
  uint64_t value = 0;
  for (int shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
    auto byte = static_cast<unsigned char>(rest_[0]);
    rest_.remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  fail();
  return 0;
}

uint64_t WireReader::fixed(size_t count) {
  if (rest_.size() < count) return fail(), 0;
  uint64_t value = 0;
  for (size_t i = count; i-- > 0;) value = value << 8 | static_cast<unsigned char>(rest_[i]);
  rest_.remove_prefix(count);
  return value;
}

std::string_view WireReader::bytes() {
  uint64_t length = varint();
  if (failed_ || length > rest_.size()) return fail(), std::string_view();
  std::string_view taken = rest_.substr(0, length);
  rest_.remove_prefix(length);
  return taken;
}

void WireReader::skip(uint32_t wire_type) {
  int groups = 0;
  do {
    if (wire_type == kVarint) varint();
    if (wire_type == kFixed64) fixed(8);
    if (wire_type == kFixed32) fixed(4);
    if (wire_type == kLength) bytes();
    if (wire_type == kStart) ++groups;
    if (wire_type == kEnd) --groups;
    if (wire_type > kFixed32) fail();
    if (groups == 0 || failed_) return;
    uint64_t tag = varint();
    wire_type = static_cast<uint32_t>(tag & 7);
  } while (!failed_);
}

void ProtobufDecoder::fail(std::string_view why) {
  if (error_.empty()) error_ = why;
}

Result<Node*> ProtobufDecoder::decode(std::string_view bytes, const schema::Message& type) {
  Node* root = arena_.make_node();
  message(bytes, type, *root);
  if (!error_.empty()) return ApiStatus::bad_request(error_);
  return root;
}

void ProtobufDecoder::message(std::string_view bytes, const schema::Message& type, Node& node) {
  if (++depth_ > kMaxProtobufDepth) fail("proto: exceeded max depth");
  WireReader reader(bytes);
  uint32_t number = 0;
  uint32_t wire_type = 0;
  while (error_.empty() && reader.next(number, wire_type)) {
    const Field* f = type.find_number(number);
    if (f == nullptr) {
      reader.skip(wire_type);
    } else {
      field(reader, wire_type, type, *f, node);
    }
  }
  if (reader.failed()) fail("unexpected EOF");
  for (uint16_t index = 0; index < node.size; ++index) {
    if (type.fields[node.data[index].field].shape == Shape::kMap) sort_map(*node.data[index].node);
  }
  --depth_;
}

void ProtobufDecoder::field(WireReader& reader, uint32_t wire_type, const schema::Message& type,
                            const Field& f, Node& node) {
  uint16_t index = type.index_of(f);
  uint32_t wanted = f.shape == Shape::kMap ? uint32_t{kLength} : wire_type_of(f);
  if (f.shape == Shape::kList && wire_type == kLength && wanted != kLength) {
    return packed(reader.bytes(), f, ensure_node(arena_, node, index, ValueType::kList));
  }
  if (wire_type != wanted) {
    return fail("proto: wrong wireType = " + std::to_string(wire_type) + " for field " +
                std::string(f.proto_name));
  }
  if (f.shape == Shape::kMap) {
    return map_entry(reader.bytes(), f, ensure_node(arena_, node, index, ValueType::kMap));
  }
  if (f.shape == Shape::kList) {
    Node& list = ensure_node(arena_, node, index, ValueType::kList);
    return append(arena_, list, item(reader, f, kNullValue));
  }
  Value value = item(reader, f, node.field(index));
  if (!f.pointer) {
    bool scalar =
        f.zero_is_absent() || f.kind == FieldKind::kIntOrString || f.kind == FieldKind::kDuration;
    bool zero = value.type == ValueType::kStruct ? value.node->size == 0
                : !scalar                        ? false
                : value.type == ValueType::kString
                    ? value.size == 0 && f.kind != FieldKind::kIntOrString
                : value.type == ValueType::kDouble ? value.d == 0
                                                   : value.i == 0;
    if (zero || (value.type == ValueType::kRaw && value.size == 0)) value = Value();
  }
  set_field(arena_, node, index, value);
}

void ProtobufDecoder::packed(std::string_view bytes, const Field& f, Node& list) {
  WireReader reader(bytes);
  while (!reader.done()) append(arena_, list, item(reader, f, kNullValue));
  if (reader.failed()) fail("unexpected EOF");
}

void ProtobufDecoder::map_entry(std::string_view bytes, const Field& f, Node& map) {
  WireReader reader(bytes);
  std::string_view key;
  Value value;
  uint32_t number = 0;
  uint32_t wire_type = 0;
  while (error_.empty() && reader.next(number, wire_type)) {
    if (number == 1 && wire_type == kLength) {
      key = reader.bytes();
    } else if (number == 2 && wire_type == wire_type_of(f)) {
      value = item(reader, f, kNullValue);
    } else {
      reader.skip(wire_type);
    }
  }
  if (reader.failed()) fail("unexpected EOF");
  append(arena_, map, arena_.string(key));
  append(arena_, map, value.is_null() ? zero_value(f, arena_) : value);
}

Value ProtobufDecoder::item(WireReader& reader, const Field& f, const Value& old) {
  switch (f.kind) {
    case FieldKind::kBool:
      return Value::of_bool(reader.varint() != 0);
    case FieldKind::kInt32:
      return Value::of_int(static_cast<int32_t>(reader.varint()));
    case FieldKind::kInt64:
      return Value::of_int(static_cast<int64_t>(reader.varint()));
    case FieldKind::kDouble:
      return Value::of_double(std::bit_cast<double>(reader.fixed(8)));
    case FieldKind::kString:
      return arena_.string(reader.bytes());
    case FieldKind::kBytes:
      return arena_.string(reader.bytes(), ValueType::kBytes);
    case FieldKind::kTime:
    case FieldKind::kMicroTime:
      return timestamp(reader.bytes(), f);
    case FieldKind::kDuration:
      return Value::of_int(single_int(reader.bytes()));
    case FieldKind::kQuantity:
      return quantity(reader.bytes());
    case FieldKind::kIntOrString:
      return int_or_string(reader.bytes());
    case FieldKind::kRawExtension:
    case FieldKind::kFieldsV1:
    case FieldKind::kJson:
      return single(reader.bytes(), ValueType::kRaw);
    case FieldKind::kStringList:
      return string_list(reader.bytes());
    default:
      break;
  }
  Value value = old.type == ValueType::kStruct ? old : arena_.make(ValueType::kStruct);
  if (f.message != nullptr) message(reader.bytes(), *f.message, *value.node);
  return value;
}

Value ProtobufDecoder::timestamp(std::string_view bytes, const Field& f) {
  if (bytes.empty()) return {};
  WireReader reader(bytes);
  uint32_t number = 0;
  uint32_t wire_type = 0;
  int64_t seconds = 0;
  int64_t nanos = 0;
  while (reader.next(number, wire_type)) {
    if (number == 1 && wire_type == kVarint) {
      seconds = static_cast<int64_t>(reader.varint());
    } else if (number == 2 && wire_type == kVarint) {
      nanos = static_cast<int32_t>(reader.varint());
    } else {
      reader.skip(wire_type);
    }
  }
  if (reader.failed()) fail("unexpected EOF");
  // What a year of four digits can hold; more would overflow the microseconds.
  constexpr int64_t kMaxSeconds = 253'402'300'799;
  seconds = std::clamp(seconds, -kMaxSeconds, kMaxSeconds);
  int64_t micros = f.kind == FieldKind::kTime ? 0 : nanos / 1000;
  return Value::of_int(seconds * 1'000'000 + micros);
}

Value ProtobufDecoder::int_or_string(std::string_view bytes) {
  WireReader reader(bytes);
  uint32_t number = 0;
  uint32_t wire_type = 0;
  uint64_t type = 0;
  int64_t integer = 0;
  std::string_view text;
  while (reader.next(number, wire_type)) {
    if (number == 1 && wire_type == kVarint) {
      type = reader.varint();
    } else if (number == 2 && wire_type == kVarint) {
      integer = static_cast<int32_t>(reader.varint());
    } else if (number == 3 && wire_type == kLength) {
      text = reader.bytes();
    } else {
      reader.skip(wire_type);
    }
  }
  if (reader.failed()) fail("unexpected EOF");
  return type == 1 ? arena_.string(text) : Value::of_int(integer);
}

Value ProtobufDecoder::string_list(std::string_view bytes) {
  Value list = arena_.make(ValueType::kList);
  WireReader reader(bytes);
  uint32_t number = 0;
  uint32_t wire_type = 0;
  while (reader.next(number, wire_type)) {
    if (number == 1 && wire_type == kLength) {
      append(arena_, *list.node, arena_.string(reader.bytes()));
    } else {
      reader.skip(wire_type);
    }
  }
  if (reader.failed()) fail("unexpected EOF");
  return list;
}

Value ProtobufDecoder::single(std::string_view bytes, ValueType type) {
  WireReader reader(bytes);
  uint32_t number = 0;
  uint32_t wire_type = 0;
  std::string_view text;
  while (reader.next(number, wire_type)) {
    if (number == 1 && wire_type == kLength) {
      text = reader.bytes();
    } else {
      reader.skip(wire_type);
    }
  }
  if (reader.failed()) fail("unexpected EOF");
  return arena_.string(text, type);
}

int64_t ProtobufDecoder::single_int(std::string_view bytes) {
  WireReader reader(bytes);
  uint32_t number = 0;
  uint32_t wire_type = 0;
  int64_t value = 0;
  while (reader.next(number, wire_type)) {
    if (number == 1 && wire_type == kVarint) {
      value = static_cast<int64_t>(reader.varint());
    } else {
      reader.skip(wire_type);
    }
  }
  if (reader.failed()) fail("unexpected EOF");
  return value;
}

Value ProtobufDecoder::quantity(std::string_view bytes) {
  Value text = single(bytes, ValueType::kString);
  Result<Quantity> parsed = Quantity::parse(text.as_text());
  if (!parsed) {
    fail(parsed.error().message());
    return {};
  }
  return arena_.string(parsed->text());
}

}  // namespace tiphys::codec
