#include "codec/protobuf_writer.h"

#include <bit>

namespace tiphys::codec {

using schema::Field;
using schema::FieldKind;
using schema::Shape;

namespace {

enum WireType : uint32_t { kVarint = 0, kFixed64 = 1, kLength = 2 };

bool is_scalar(const Field& field) { return field.kind <= FieldKind::kDouble; }

}  // namespace

char* ProtobufWriter::grow(size_t bytes) {
  if (bytes > start_) {
    size_t used = size_ - start_;
    size_t size = std::max<size_t>({1024, size_ * 2, used + bytes});
    auto larger = std::make_unique_for_overwrite<char[]>(size);
    if (used > 0) memcpy(larger.get() + size - used, buffer_.get() + start_, used);
    buffer_ = std::move(larger);
    size_ = size;
    start_ = size - used;
  }
  start_ -= bytes;
  return buffer_.get() + start_;
}

void ProtobufWriter::bytes(std::string_view data) {
  if (!data.empty()) memcpy(grow(data.size()), data.data(), data.size());
}

void ProtobufWriter::varint(uint64_t value) {
  size_t length = value == 0 ? 1 : (static_cast<size_t>(std::bit_width(value)) + 6) / 7;
  char* at = grow(length);
  for (size_t i = 0; i < length; ++i, value >>= 7) {
    at[i] = static_cast<char>((value & 0x7f) | (i + 1 < length ? 0x80 : 0));
  }
}

void ProtobufWriter::close_message(uint32_t number, size_t mark) {
  varint(length() - mark);
  tag(number, kLength);
}

void ProtobufWriter::message(const schema::Message& type, const Node& node) {
  for (size_t i = type.by_number.size(); i-- > 0;) {
    uint16_t index = type.by_number[i];
    field(type, type.fields[index], node.field(index));
  }
}

void ProtobufWriter::field(const schema::Message& type, const Field& f, const Value& value) {
  if (f.shape == Shape::kList) {
    list(type, f, value.as_node());
  } else if (f.shape == Shape::kMap) {
    map(f, value.as_node());
  } else {
    singular(type, f, value);
  }
}

void ProtobufWriter::singular(const schema::Message& type, const Field& f, const Value& value) {
  if (value.is_null()) {
    bool nil = f.pointer || type.proto3 || f.kind == FieldKind::kBytes ||
               f.kind == FieldKind::kStringList || f.kind == FieldKind::kAny;
    if (nil) return;
  } else if (type.proto3 && !f.pointer && f.kind <= FieldKind::kBytes) {
    bool zero = value.is_text() ? value.size == 0 : value.i == 0;
    if (zero) return;
  }
  item(f.number, f, value);
}

void ProtobufWriter::list(const schema::Message& type, const Field& f, const Node& node) {
  if (type.proto3 && is_scalar(f)) return packed(f, node);
  for (uint32_t i = node.size; i-- > 0;) item(f.number, f, node.data[i]);
}

void ProtobufWriter::packed(const Field& f, const Node& node) {
  if (node.size == 0) return;
  size_t mark = length();
  for (uint32_t i = node.size; i-- > 0;) {
    const Value& value = node.data[i];
    if (f.kind == FieldKind::kDouble) {
      fixed64(value.as_double());
    } else {
      varint(static_cast<uint64_t>(value.is_null() ? 0 : value.i));
    }
  }
  close_message(f.number, mark);
}

void ProtobufWriter::map(const Field& f, const Node& node) {
  for (uint32_t i = node.size; i >= 2; i -= 2) {
    size_t mark = length();
    item(2, f, node.data[i - 1]);
    text_field(1, node.data[i - 2].as_text());
    close_message(f.number, mark);
  }
}

void ProtobufWriter::text_field(uint32_t number, std::string_view text) {
  bytes(text);
  varint(text.size());
  tag(number, kLength);
}

void ProtobufWriter::int_field(uint32_t number, uint64_t value) {
  varint(value);
  tag(number, kVarint);
}

void ProtobufWriter::fixed64(double value) {
  auto bits = std::bit_cast<uint64_t>(value);
  char data[8];
  for (char& c : data) {
    c = static_cast<char>(bits & 0xff);
    bits >>= 8;
  }
  bytes({data, 8});
}

void ProtobufWriter::timestamp(const Field& f, const Value& value) {
  if (value.is_null()) return;  // Go's zero time has no bytes
  int64_t micros = value.as_int();
  int64_t rest = (micros % 1'000'000 + 1'000'000) % 1'000'000;
  int_field(2, f.kind == FieldKind::kTime ? 0 : static_cast<uint64_t>(rest * 1000));
  int_field(1, static_cast<uint64_t>((micros - rest) / 1'000'000));
}

void ProtobufWriter::int_or_string(const Value& value) {
  bool text = value.type == ValueType::kString;
  text_field(3, value.as_text());
  int_field(2, static_cast<uint64_t>(value.as_int()));
  int_field(1, text ? 1 : 0);
}

void ProtobufWriter::item(uint32_t number, const Field& f, const Value& value) {
  size_t mark = length();
  switch (f.kind) {
    case FieldKind::kBool:
    case FieldKind::kInt32:
    case FieldKind::kInt64:
      return int_field(number, static_cast<uint64_t>(value.is_null() ? 0 : value.i));
    case FieldKind::kDouble:
      fixed64(value.as_double());
      return tag(number, kFixed64);
    case FieldKind::kString:
    case FieldKind::kBytes:
      return text_field(number, value.as_text());
    case FieldKind::kTime:
    case FieldKind::kMicroTime:
      timestamp(f, value);
      break;
    case FieldKind::kDuration:
      int_field(1, static_cast<uint64_t>(value.as_int()));
      break;
    case FieldKind::kQuantity:
      text_field(1, value.size == 0 ? "0" : value.as_text());
      break;
    case FieldKind::kIntOrString:
      int_or_string(value);
      break;
    case FieldKind::kRawExtension:
    case FieldKind::kFieldsV1:
    case FieldKind::kJson:
      if (value.size > 0) text_field(1, value.as_text());
      break;
    case FieldKind::kStringList:
      for (uint32_t i = value.as_node().size; i-- > 0;) {
        text_field(1, value.as_node().data[i].as_text());
      }
      break;
    case FieldKind::kAny:
      return;  // has no wire form
    default:
      message(*f.message, value.as_node());
  }
  close_message(number, mark);
}

}  // namespace tiphys::codec
