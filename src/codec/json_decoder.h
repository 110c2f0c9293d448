// JsonDecoder: JSON text to the typed tree of one message. Internal to codec/.
//
// Like encoding/json it goes on after a value of the wrong type and reports the first such error at
// the end, so a syntax error anywhere wins. Unknown and duplicate members become notes.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "codec/codec.h"
#include "codec/json_reader.h"

namespace tiphys::codec {

class JsonDecoder {
 public:
  JsonDecoder(std::string_view text, Arena& arena, DecodeNotes* notes)
      : reader_(text), arena_(arena), notes_(notes) {}

  // One struct that is the whole text. `root`: kind and apiVersion belong to it if its type has
  // them.
  Result<Node*> decode(const schema::Message& type);
  // One untyped value that is the whole text.
  Result<Value> decode_any();

 private:
  // What decoding one singular value gives; null for JSON null and for zero of non-pointers.
  Value read_singular(const schema::Field& field, const Value& old);
  Value read_field(const schema::Field& field, const Value& old);
  Value read_list(const schema::Field& field);
  Value read_map(const schema::Field& field, const Value& old);
  // A list or map item: never null.
  Value read_item(const schema::Field& field);
  Value read_struct(const schema::Message& type, const Value& old);
  void read_members(const schema::Message& type, Node& node);
  void read_member(const schema::Message& type, Node& node, std::string_view key,
                   const schema::JsonMember& member);
  void read_type_meta(const schema::Message& type, std::string_view key);
  Value read_bool(const schema::Field& field);
  Value read_int(const schema::Field& field, int bits);
  Value read_double(const schema::Field& field);
  Value read_string(const schema::Field& field);
  Value read_bytes(const schema::Field& field);
  Value read_special(const schema::Field& field);  // kinds with their own UnmarshalJSON
  Value read_time(const schema::Field& field);
  Value read_quantity();
  Value read_int_or_string();
  Value read_raw(const schema::Field& field);
  Value read_union(const schema::Field& field);
  Value read_any();
  Value read_any_object();
  Value read_any_array();
  Value read_any_number();

  bool expect(char wanted, const schema::Field& field, std::string_view type);
  void wrong_type(char found, std::string_view type);
  void save_error(std::string message);
  void save_number_error(std::string_view number, std::string_view type);
  std::string field_context() const;  // " into Go struct field Pod.spec.x of type "
  bool deeper();                      // false: too deep, failed
  std::string_view kept_string();     // the string at hand, copied into the arena
  void note(std::string_view what, std::string_view key);
  void note_duplicate_keys(const Node& map, uint32_t first);

  struct Step {
    std::string_view key;  // empty data(): an index
    size_t index = 0;
  };

  JsonReader reader_;
  Arena& arena_;
  DecodeNotes* notes_;
  std::string first_error_;
  const schema::Message* struct_ = nullptr;    // innermost struct, for errors
  std::vector<std::string_view> field_stack_;  // member names from the root, for errors
  std::vector<Step> path_;                     // for notes
  int depth_ = 0;
};

}  // namespace tiphys::codec
