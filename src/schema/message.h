// Message and Field: the API's types as read-only tables, compiled from api/v1.35 at build time by
// tools/apic (and, later, built at run time from CustomResourceDefinitions).
//
// Everything is immutable after construction and safe to read from any thread. Field indexes are
// the positions in Message::fields, which is Go declaration order: the order of JSON output.
// Source of the facts: k8s.io/api v0.35 (see api/v1.35/README.md).
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "object/object.h"
#include "schema/rule.h"

namespace tiphys::schema {

enum class FieldKind : uint8_t {
  kBool,
  kInt32,
  kInt64,
  kDouble,
  kString,
  kBytes,
  kMessage,       // kStruct
  kTime,          // kInt microseconds; JSON RFC 3339 seconds; wire Timestamp{seconds,nanos}
  kMicroTime,     // kInt microseconds; JSON with 6 digits
  kDuration,      // kInt nanoseconds; JSON Go duration text; wire {int64 nanoseconds = 1}
  kQuantity,      // kString canonical
  kIntOrString,   // kInt or kString; wire {type=1,intVal=2,strVal=3}
  kRawExtension,  // kRaw; any JSON; wire {raw=1}
  kFieldsV1,      // kRaw compact JSON object; wire {Raw=1}
  kJson,          // kRaw; apiextensions JSON; wire {raw=1}
  kStringList,    // kList of kString; JSON array; wire {items=1 repeated}
  kSchemaOrArray,
  kSchemaOrBool,
  kSchemaOrStringArray,  // kStruct in wire shape; JSON is a union
  kAny,                  // untyped JSON: kMap, kList, scalars (Table cells, custom resource bodies)
};

enum class Shape : uint8_t { kSingular, kList, kMap };  // kMap: string keys

enum class ListType : uint8_t { kAtomic, kSet, kMap };

struct Message;

// A field's default: what an absent field becomes. The path leads through structs.
struct FieldDefault {
  uint16_t path[3] = {0, 0, 0};
  uint8_t depth = 1;
  ValueType type = ValueType::kNull;  // kBool, kInt, kString; kStruct: an empty struct
  int64_t integer = 0;
  std::string_view text;
};

struct Field {
  std::string_view name;  // JSON name
  std::string_view proto_name;
  uint16_t number = 0;  // protobuf field number; 0: not on the wire
  FieldKind kind = FieldKind::kString;
  Shape shape = Shape::kSingular;
  const Message* message = nullptr;  // kMessage and kSchemaOr*
  bool pointer : 1 = false;          // Go pointer: presence is meaningful
  bool omitempty : 1 = false;
  bool omitzero : 1 = false;
  bool inlined : 1 = false;  // JSON: this message's fields appear in the parent object
  bool optional : 1 = false;
  bool required : 1 = false;
  bool json_hidden : 1 = false;
  bool map_atomic : 1 = false;     // mapType: atomic
  bool struct_atomic : 1 = false;  // structType: atomic
  bool merge_list : 1 = false;     // patchStrategy has "merge"
  bool retain_keys : 1 = false;    // patchStrategy has "retainKeys"
  bool replace : 1 = false;        // patchStrategy has "replace"
  ListType list_type = ListType::kAtomic;
  std::string_view patch_merge_key;
  std::span<const std::string_view> list_map_keys;
  std::string_view default_json;  // default marker as JSON text; empty: none
  std::span<const std::string_view> enum_values;
  std::string_view
      go_type;  // Go type name for messages of decoders ("core.Protocol"); may be empty

  // Non-pointer singular scalar (incl. string): zero means absent. ([]byte: nil is absent, empty
  // is kept, as Go does.)
  bool zero_is_absent() const {
    return !pointer && shape == Shape::kSingular && kind < FieldKind::kBytes;
  }
};

struct Message {
  std::string_view name;     // protobuf full name, "k8s.io.api.core.v1.Pod"
  std::string_view go_name;  // "k8s.io/api/core/v1.Pod"
  std::span<const Field> fields;
  // Indexes of `fields` ordered by JSON name / by wire number. Inlined fields' own names are in
  // by_name under their protobuf name only; their members are found through find_json.
  std::span<const uint16_t> by_name;
  std::span<const uint16_t> by_number;
  const GroupVersionKind* gvk = nullptr;  // for kinds: the registered one
  bool type_meta = false;                 // kind and apiVersion stand in its JSON
  bool is_list = false;
  bool struct_atomic = false;
  bool on_wire = true;  // false: JSON only (Table and its family)
  bool proto3 = false;  // CRI and other gRPC messages: zero scalars are not written, numbers packed
  int16_t metadata_field = -1;  // index of "metadata" if it is ObjectMeta or ListMeta
  int16_t spec_field = -1;
  int16_t status_field = -1;
  int16_t items_field = -1;
  std::span<const uint16_t> inlined_fields;
  // Defaults, from default markers and api/v1.35/defaults.json (see schema/defaults.h).
  std::span<const FieldDefault> defaults;
  std::string_view default_rule;               // name of a rule in kinds/; empty: none
  std::span<const uint16_t> defaulted_fields;  // struct fields with defaults somewhere below
  // What is valid, from api/v1.35/validation.json.
  std::span<const Rule> rules;
  std::span<const Rule> status_rules;  // of kinds: writes of the status subresource

  // Direct field by JSON name, or null. Inlined fields are not found by their members' names.
  const Field* find(std::string_view json_name) const;
  const Field* find_number(uint32_t number) const;
  uint16_t index_of(const Field& field) const {
    return static_cast<uint16_t>(&field - fields.data());
  }
};

// Steps from a message to a JSON member, through inlined messages: at most 3 deep.
struct JsonMember {
  const Field* field = nullptr;  // null: unknown member
  uint16_t path[3] = {0, 0, 0};  // field indexes, outermost first
  uint8_t depth = 0;             // how many of path are used; the last is `field`
};
JsonMember find_json(const Message& message, std::string_view json_name);

// All messages and kinds of the built-in API.
std::span<const Message* const> all_messages();
const Message* find_message(std::string_view full_name);  // null: none
// The type of a registered kind, e.g. {"apps","v1","Deployment"}; kinds registered in every group
// version (DeleteOptions, WatchEvent, Status...) are found under any group and version.
struct Kind {
  GroupVersionKind gvk;
  const Message* message = nullptr;
  std::string_view list_kind;  // "" if none
  bool is_list = false;
  bool namespaced = false;
};
const Kind* find_kind(std::string_view group, std::string_view version, std::string_view kind);
std::span<const Kind> all_kinds();

// Walks JSON member names from a struct ("spec", "replicas"); kNullValue if absent or unknown.
const Value& find_path(const Message& message, const Node& root,
                       std::initializer_list<std::string_view> names);

}  // namespace tiphys::schema
