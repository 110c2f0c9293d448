// Value: one node of the in-memory object tree, 16 bytes; Node: the body of a struct, list or map.
//
// The tree is schema-guided: a struct stores only its set fields, as Values sorted by field index
// (the position of the field in its schema::Message), and does not know its own type. What a
// field's Value looks like follows from schema::Field (see schema/message.h, FieldKind).
//
//   kNull                       absent (what lookups return for what isn't there)
//   kBool kInt kDouble          scalars; API Time/MicroTime are kInt microseconds since the epoch,
//                               Duration is kInt nanoseconds, IntOrString is kInt or kString
//   kString                     text (valid UTF-8), also Quantity in canonical form
//   kBytes                      arbitrary bytes ([]byte fields), undecoded base64
//   kRaw                        bytes kept as they are: compact JSON text for RawExtension, JSON
//   and
//                               FieldsV1 fields (a RawExtension may also hold a protobuf "k8s\0")
//   kStruct                     node: fields sorted by Value::field
//   kList                       node: items in order
//   kMap                        node: key, value, key, value..., sorted by key bytes, keys unique
//
// Untyped JSON (custom resources) uses kMap, kList and scalars throughout.
// Canonical form, kept by all decoders: JSON null is absent; a non-pointer scalar that is zero or
// empty is absent; a present empty list or map is kept; a present struct may be empty.
//
// Thread rule: a tree inside an Object is immutable and may be read from any thread; a tree in an
// Arena under construction belongs to one thread. Node addresses are stable while the arena lives;
// addresses of Values are not, once their node is edited.
#pragma once
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace tiphys {

struct Node;

enum class ValueType : uint8_t {
  kNull,
  kBool,
  kInt,
  kDouble,
  kString,
  kBytes,
  kRaw,
  kStruct,
  kList,
  kMap
};

struct Value {
  union {
    int64_t i;
    double d;
    const char* s;
    Node* node;
  };
  uint32_t size = 0;   // kString, kBytes, kRaw: length
  uint16_t field = 0;  // inside a struct: field index
  ValueType type = ValueType::kNull;
  uint8_t unused = 0;

  constexpr Value() : i(0) {}
  static Value of_bool(bool v) { return scalar(ValueType::kBool, v ? 1 : 0); }
  static Value of_int(int64_t v) { return scalar(ValueType::kInt, v); }
  static Value of_double(double v) {
    Value value;
    value.type = ValueType::kDouble;
    value.d = v;
    return value;
  }
  // The text is borrowed: it must live as long as the tree (use Arena::string otherwise).
  static Value of_text(ValueType type, std::string_view text) {
    Value value;
    value.type = type;
    value.s = text.data();
    value.size = static_cast<uint32_t>(text.size());
    return value;
  }
  static Value of_node(ValueType type, Node* node) {
    Value value;
    value.type = type;
    value.node = node;
    return value;
  }

  bool is_null() const { return type == ValueType::kNull; }
  bool is_text() const { return type >= ValueType::kString && type <= ValueType::kRaw; }
  bool is_node() const { return type >= ValueType::kStruct; }
  bool as_bool(bool absent = false) const { return type == ValueType::kBool ? i != 0 : absent; }
  int64_t as_int(int64_t absent = 0) const { return type == ValueType::kInt ? i : absent; }
  double as_double(double absent = 0) const {
    return type == ValueType::kDouble ? d
           : type == ValueType::kInt  ? static_cast<double>(i)
                                      : absent;
  }
  std::string_view as_text() const {
    return is_text() ? std::string_view(s, size) : std::string_view();
  }
  // The node of a struct, list or map; the shared empty node for anything else. Never null.
  const Node& as_node() const;

 private:
  static Value scalar(ValueType type, int64_t v) {
    Value value;
    value.type = type;
    value.i = v;
    return value;
  }
};
static_assert(sizeof(Value) == 16);

// The null value, for lookups that find nothing.
extern const Value kNullValue;

struct Node {
  Value* data = nullptr;
  uint32_t size = 0;  // Values in data; a map has size/2 entries
  uint32_t capacity = 0;

  // Struct: the field's value, or kNullValue. O(log fields).
  const Value& field(uint16_t index) const;
  // List: items. Map: key/value pairs flattened.
  std::span<const Value> items() const { return {data, size}; }
  uint32_t entries() const { return size / 2; }
  // Map: the value under key, or kNullValue. O(log entries).
  const Value& find(std::string_view key) const;
};
static_assert(sizeof(Node) == 16);

extern const Node kEmptyNode;

inline const Node& Value::as_node() const { return is_node() ? *node : kEmptyNode; }

// Arena: bump allocator that owns a tree under construction. One thread. Addresses are stable.
class Arena {
 public:
  Arena() = default;
  Arena(Arena&&) noexcept = default;
  Arena& operator=(Arena&&) noexcept = default;

  void* allocate(size_t bytes);  // 8-aligned, uninitialised
  std::string_view copy(std::string_view text);
  Value string(std::string_view text, ValueType type = ValueType::kString) {
    return Value::of_text(type, copy(text));
  }
  Node* make_node(uint32_t capacity = 0);
  Value make(ValueType type, uint32_t capacity = 0) {
    return Value::of_node(type, make_node(capacity));
  }
  // Deep copy of a tree (from any arena or object) into this arena.
  Value clone(const Value& value);
  size_t bytes() const { return bytes_; }

 private:
  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  std::byte* next_ = nullptr;
  size_t left_ = 0;
  size_t bytes_ = 0;
};

// Edits of nodes under construction. Nodes must belong to `arena`; inserting may move a node's
// Values, never its sub-nodes.
// Sets a struct field (value.field is set here); a null value erases it.
void set_field(Arena& arena, Node& node, uint16_t index, Value value);
// The field's sub-node of the given type, created empty if absent.
Node& ensure_node(Arena& arena, Node& node, uint16_t index, ValueType type);
void append(Arena& arena, Node& list, Value value);
void erase_item(Node& list, uint32_t position);
void insert_item(Arena& arena, Node& list, uint32_t position, Value value);
// Map entry; the key is copied if new. A null value erases it.
void set_entry(Arena& arena, Node& map, std::string_view key, Value value);
// Sorts a map's flattened pairs by key, after appending in any order (up to 2^24 entries). False: a
// key occurred more than once, and its last value was kept.
bool sort_map(Node& map);

// Structural equality: same types, fields, items, entries and bytes.
bool equal(const Value& a, const Value& b);

}  // namespace tiphys
