// JsonEncoder: a typed tree as encoding/json writes the Go structs. Internal to codec/.
#pragma once
#include <string>

#include "object/object.h"
#include "schema/message.h"

namespace tiphys::codec {

class JsonEncoder {
 public:
  explicit JsonEncoder(std::string& out) : out_(out) {}

  // gvk: written as kind and apiVersion first; may be null.
  void write_object(const schema::Message& type, const Node& node, const GroupVersionKind* gvk);
  void write_any(const Value& value);

 private:
  void write_fields(const schema::Message& type, const Node& node);
  void write_field(const schema::Field& field, const Value& value);
  void write_key(std::string_view name);
  void write_list(const schema::Field& field, const Node& node);
  void write_map(const schema::Field& field, const Node& node);
  void write_value(const schema::Field& field, const Value& value);
  void write_absent(const schema::Field& field);
  void write_time(const schema::Field& field, const Value& value);
  void write_bytes(std::string_view bytes);
  void write_raw(std::string_view raw);
  void write_union(const schema::Field& field, const Node& node);
  void write_strings(const Node& node);

  std::string& out_;
  bool first_ = true;  // no member written yet in the object at hand
};

}  // namespace tiphys::codec
