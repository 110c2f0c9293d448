// ProtobufWriter: writes messages from their last byte to the first, so that every length is known
// when it is written; the same order gogo's marshallers use. Internal to codec/.
#pragma once
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "object/value.h"
#include "schema/message.h"

namespace tiphys::codec {

class ProtobufWriter {
 public:
  std::string_view text() const { return {buffer_.get() + start_, size_ - start_}; }
  size_t length() const { return size_ - start_; }

  void bytes(std::string_view data);
  void varint(uint64_t value);
  void tag(uint32_t number, uint32_t wire_type) { varint(uint64_t{number} << 3 | wire_type); }
  // Prepends tag and length to what was written since `mark` (a former length()).
  void close_message(uint32_t number, size_t mark);
  void message(const schema::Message& type, const Node& node);

 private:
  char* grow(size_t bytes);
  void field(const schema::Message& type, const schema::Field& field, const Value& value);
  void singular(const schema::Message& type, const schema::Field& field, const Value& value);
  void list(const schema::Message& type, const schema::Field& field, const Node& node);
  void map(const schema::Field& field, const Node& node);
  // The field with its tag.
  void item(uint32_t number, const schema::Field& field, const Value& value);
  void text_field(uint32_t number, std::string_view text);
  void int_field(uint32_t number, uint64_t value);
  void packed(const schema::Field& field, const Node& node);
  void fixed64(double value);
  void timestamp(const schema::Field& field, const Value& value);
  void int_or_string(const Value& value);

  std::unique_ptr<char[]> buffer_;
  size_t size_ = 0;
  size_t start_ = 0;
};

}  // namespace tiphys::codec
