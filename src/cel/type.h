// Type: a static type of CEL; TypeTable: where types live, each once, so that equal types are the
// same pointer.
//
// A table may stand on a parent (the environment's under the checker's); the parent must live
// longer and not change. Not thread-safe while types are made; constant tables are.
// Source: github.com/google/cel-spec doc/langdef.md ("Gradual type checking"), cel-go common/types.
#pragma once
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tiphys::cel {

enum class TypeKind : uint8_t {
  kDyn,
  kAny,
  kError,  // of what is wrong already; goes with everything
  kNull,
  kBool,
  kInt,
  kUint,
  kDouble,
  kString,
  kBytes,
  kDuration,
  kTimestamp,
  kList,
  kMap,
  kType,
  kOpaque,  // named, without fields; optional_type(V)
  kStruct,  // named, with fields
  kParam,   // stands for a type that is not known yet
};

struct Type {
  TypeKind kind = TypeKind::kDyn;
  bool has_params = false;  // some kParam is in it
  uint16_t depth = 0;
  uint32_t param = 0;  // kParam: its number in the checker; parameters of declarations: by name
  std::string_view name;
  std::vector<const Type*> params;
};

inline constexpr std::string_view kOptionalName = "optional_type";
inline bool is_optional(const Type& type) {
  return type.kind == TypeKind::kOpaque && type.name == kOptionalName;
}
inline bool is_dyn(const Type& type) {
  return type.kind == TypeKind::kDyn || type.kind == TypeKind::kAny;
}
inline bool is_dyn_or_error(const Type& type) {
  return is_dyn(type) || type.kind == TypeKind::kError;
}

// Types that nest deeper are not made: dyn stands for them.
inline constexpr uint16_t kMaxTypeDepth = 256;
// Errors print no more of a type than this.
inline constexpr size_t kMaxTypeText = 4096;

class TypeTable {
 public:
  explicit TypeTable(const TypeTable* parent = nullptr);
  TypeTable(TypeTable&&) = default;
  TypeTable(const TypeTable&) = delete;
  TypeTable& operator=(const TypeTable&) = delete;

  const Type* simple(TypeKind kind) const;
  const Type* list(const Type* item) { return make(TypeKind::kList, "list", {item}); }
  const Type* map(const Type* key, const Type* value) {
    return make(TypeKind::kMap, "map", {key, value});
  }
  const Type* optional(const Type* value) {
    return make(TypeKind::kOpaque, kOptionalName, {value});
  }
  const Type* type() { return make(TypeKind::kType, "type", {}); }
  const Type* type_of(const Type* type) { return make(TypeKind::kType, "type", {type}); }
  const Type* opaque(std::string_view name) { return make(TypeKind::kOpaque, name, {}); }
  const Type* object(std::string_view name) { return make(TypeKind::kStruct, name, {}); }
  // A type parameter of a declaration ("A") or of the checker ("_var0").
  const Type* parameter(std::string_view name, uint32_t number = 0);
  // The same type with other parameters.
  const Type* with(const Type& type, std::vector<const Type*> params) {
    return make(type.kind, type.name, std::move(params));
  }

 private:
  const Type* make(TypeKind kind, std::string_view name, std::vector<const Type*> params,
                   uint32_t number = 0);
  const Type* find(size_t hash, const Type& type) const;

  const TypeTable* parent_;
  std::deque<Type> types_;
  std::deque<std::string> names_;
  std::vector<const Type*> simple_;
  std::unordered_multimap<size_t, const Type*> index_;
};

// As type errors print it: "list(int)", "timestamp", "null".
std::string type_text(const Type& type);
// As the result of an expression is told: "google.protobuf.Timestamp", "null_type".
std::string declared_text(const Type& type);
// "(int, string)", or "int.(string)" for a receiver.
std::string signature_text(std::span<const Type* const> types, bool member);

}  // namespace tiphys::cel
