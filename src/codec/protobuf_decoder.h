// ProtobufDecoder: wire bytes to the typed tree of one message. Internal to codec/.
//
// Input is hostile: every length is checked against what is left, nesting is bounded by
// kMaxProtobufDepth. Unknown fields are stepped over. The first error sticks.
#pragma once
#include <string>
#include <string_view>

#include "base/result.h"
#include "object/value.h"
#include "schema/message.h"

namespace tiphys::codec {

// Reads tags, varints and length-delimited fields off the front of some bytes.
class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : rest_(bytes) {}
  bool done() const { return rest_.empty() || failed_; }
  bool failed() const { return failed_; }
  void fail() { failed_ = true; }
  // False at the end or on failure.
  bool next(uint32_t& number, uint32_t& wire_type);
  uint64_t varint();
  uint64_t fixed(size_t bytes);
  std::string_view bytes();
  void skip(uint32_t wire_type);

 private:
  std::string_view rest_;
  bool failed_ = false;
};

class ProtobufDecoder {
 public:
  explicit ProtobufDecoder(Arena& arena) : arena_(arena) {}
  Result<Node*> decode(std::string_view bytes, const schema::Message& type);

 private:
  void message(std::string_view bytes, const schema::Message& type, Node& node);
  void field(WireReader& reader, uint32_t wire_type, const schema::Message& type,
             const schema::Field& field, Node& node);
  Value item(WireReader& reader, const schema::Field& field, const Value& old);
  void packed(std::string_view bytes, const schema::Field& field, Node& list);
  void map_entry(std::string_view bytes, const schema::Field& field, Node& map);
  Value timestamp(std::string_view bytes, const schema::Field& field);
  Value int_or_string(std::string_view bytes);
  Value string_list(std::string_view bytes);
  Value quantity(std::string_view bytes);
  Value single(std::string_view bytes, ValueType type);  // {1: bytes}
  int64_t single_int(std::string_view bytes);            // {1: varint}
  void fail(std::string_view why);

  Arena& arena_;
  std::string error_;
  int depth_ = 0;
};

}  // namespace tiphys::codec
