#include "cel/type.h"

#include <algorithm>

namespace tiphys::cel {
namespace {

constexpr std::string_view kSimpleNames[] = {"dyn",
                                             "google.protobuf.Any",
                                             "error",
                                             "null_type",
                                             "bool",
                                             "int",
                                             "uint",
                                             "double",
                                             "string",
                                             "bytes",
                                             "google.protobuf.Duration",
                                             "google.protobuf.Timestamp"};
constexpr size_t kSimple = std::size(kSimpleNames);

size_t hash_of(const Type& type) {
  size_t hash = std::hash<std::string_view>()(type.name) * 31 + static_cast<size_t>(type.kind);
  for (const Type* param : type.params) hash = hash * 1000003 + std::hash<const void*>()(param);
  return hash * 31 + type.param;
}

bool same(const Type& a, const Type& b) {
  return a.kind == b.kind && a.param == b.param && a.name == b.name && a.params == b.params;
}

std::string_view display_name(const Type& type) {
  switch (type.kind) {
    case TypeKind::kAny:
      return "any";
    case TypeKind::kDuration:
      return "duration";
    case TypeKind::kError:
      return "!error!";
    case TypeKind::kNull:
      return "null";
    case TypeKind::kTimestamp:
      return "timestamp";
    default:
      return type.name;
  }
}

void write(std::string& out, const Type& type, bool declared) {
  if (out.size() > kMaxTypeText) return;
  out += declared ? type.name : display_name(type);
  if (type.params.empty()) return;
  out += '(';
  for (size_t i = 0; i < type.params.size(); ++i) {
    if (i > 0) out += ", ";
    write(out, *type.params[i], declared);
  }
  out += ')';
}

std::string text_of(const Type& type, bool declared) {
  std::string out;
  write(out, type, declared);
  if (out.size() > kMaxTypeText) out.resize(kMaxTypeText);
  return out;
}

}  // namespace

TypeTable::TypeTable(const TypeTable* parent) : parent_(parent) {
  if (parent) {
    simple_ = parent->simple_;
    return;
  }
  for (size_t i = 0; i < kSimple; ++i) {
    types_.push_back({.kind = static_cast<TypeKind>(i), .name = kSimpleNames[i]});
    simple_.push_back(&types_.back());
  }
}

const Type* TypeTable::simple(TypeKind kind) const { return simple_[static_cast<size_t>(kind)]; }

const Type* TypeTable::parameter(std::string_view name, uint32_t number) {
  return make(TypeKind::kParam, name, {}, number);
}

const Type* TypeTable::find(size_t hash, const Type& type) const {
  auto [first, last] = index_.equal_range(hash);
  for (auto it = first; it != last; ++it) {
    if (same(*it->second, type)) return it->second;
  }
  return parent_ ? parent_->find(hash, type) : nullptr;
}

const Type* TypeTable::make(TypeKind kind, std::string_view name, std::vector<const Type*> params,
                            uint32_t number) {
  Type type{.kind = kind, .param = number, .name = name, .params = std::move(params)};
  type.has_params = kind == TypeKind::kParam;
  for (const Type* param : type.params) {
    type.has_params = type.has_params || param->has_params;
    type.depth = std::max<uint16_t>(type.depth, param->depth + 1);
  }
  if (type.depth > kMaxTypeDepth) return simple(TypeKind::kDyn);
  size_t hash = hash_of(type);
  if (const Type* known = find(hash, type)) return known;
  names_.emplace_back(name);
  type.name = names_.back();
  types_.push_back(std::move(type));
  index_.emplace(hash, &types_.back());
  return &types_.back();
}

std::string type_text(const Type& type) { return text_of(type, false); }

std::string declared_text(const Type& type) { return text_of(type, true); }

std::string signature_text(std::span<const Type* const> types, bool member) {
  std::string out;
  if (member) {
    out += type_text(*types[0]) + ".";
    types = types.subspan(1);
  }
  out += '(';
  for (size_t i = 0; i < types.size(); ++i) {
    if (i > 0) out += ", ";
    out += type_text(*types[i]);
  }
  return out + ')';
}

}  // namespace tiphys::cel
