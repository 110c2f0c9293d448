#include "cel/unifier.h"

#include <algorithm>

namespace tiphys::cel {
namespace {

bool is_nullable(const Type& type) {
  switch (type.kind) {
    case TypeKind::kOpaque:
    case TypeKind::kStruct:
    case TypeKind::kAny:
    case TypeKind::kDuration:
    case TypeKind::kTimestamp:
    case TypeKind::kNull:
      return true;
    default:
      return false;
  }
}

}  // namespace

bool Unifier::count(int depth) {
  if (depth > kMaxDepth) steps_ = max_steps_;
  return ++steps_ <= max_steps_;
}

const Type* Unifier::fresh() {
  size_t number = bindings_.size();
  bindings_.push_back(nullptr);
  return types_.parameter("_var" + std::to_string(number), static_cast<uint32_t>(number));
}

const Type* Unifier::bound(const Type* param) const {
  return param->kind == TypeKind::kParam ? bindings_[param->param] : nullptr;
}

void Unifier::set(const Type* param, const Type* type) {
  trail_.emplace_back(param->param, bindings_[param->param]);
  bindings_[param->param] = type;
}

void Unifier::undo(size_t mark) {
  while (trail_.size() > mark) {
    bindings_[trail_.back().first] = trail_.back().second;
    trail_.pop_back();
  }
}

bool Unifier::assignable(const Type* from, const Type* to) {
  return assignable(std::span(&from, 1), std::span(&to, 1));
}

bool Unifier::assignable(std::span<const Type* const> from, std::span<const Type* const> to) {
  size_t mark = trail_.size();
  bool ok = unify_all(from, to, 0) && !exhausted();
  if (!ok) undo(mark);
  return ok;
}

bool Unifier::unify_all(std::span<const Type* const> from, std::span<const Type* const> to,
                        int depth) {
  if (from.size() != to.size()) return false;
  for (size_t i = 0; i < from.size(); ++i) {
    if (!unify(from[i], to[i], depth)) return false;
  }
  return true;
}

bool Unifier::unify(const Type* from, const Type* to, int depth) {
  if (!count(depth)) return false;
  if (from == to) return true;
  if (to->kind == TypeKind::kParam) {
    auto [valid, known] = bind(from, to, depth);
    if (valid) return true;
    if (known) return false;
  }
  if (from->kind == TypeKind::kParam) return bind(to, from, depth).first;
  if (is_dyn_or_error(*from) || is_dyn_or_error(*to)) return true;
  if (from->kind == TypeKind::kNull) return is_nullable(*to);
  if (to->kind == TypeKind::kNull) return is_nullable(*from);
  if (from->kind != to->kind) return false;
  if (from->kind == TypeKind::kType) return true;
  return from->name == to->name && unify_all(from->params, to->params, depth + 1);
}

std::pair<bool, bool> Unifier::bind(const Type* type, const Type* param, int depth) {
  if (type == param) return {true, true};
  if (const Type* known = bound(param)) {
    if (type == known) return {true, true};
    if (!unify(type, known, depth + 1)) return {false, true};
    const Type* general = most_general(type, known);
    if (!occurs_in(param, general, depth)) set(param, general);
    return {true, true};
  }
  if (occurs_in(param, type, depth)) return {false, false};
  set(param, type);
  return {true, false};
}

bool Unifier::occurs_in(const Type* param, const Type* type, int depth) {
  if (!type->has_params) return false;
  if (!count(depth)) return true;
  if (param == type) return true;
  if (const Type* known = bound(type)) return occurs_in(param, known, depth + 1);
  return std::ranges::any_of(type->params,
                             [&](const Type* inner) { return occurs_in(param, inner, depth + 1); });
}

const Type* Unifier::most_general(const Type* a, const Type* b) {
  return less_specific(a, b, 0) ? a : b;
}

bool Unifier::less_specific(const Type* a, const Type* b, int depth) {
  if (!count(depth)) return false;
  if (is_dyn(*a) || a->kind == TypeKind::kParam) return true;
  if (is_dyn(*b) || b->kind == TypeKind::kParam) return false;
  if (a->kind != b->kind) return false;
  if (a == b || a->kind == TypeKind::kType) return true;
  if (a->name != b->name || a->params.size() != b->params.size()) return false;
  for (size_t i = 0; i < a->params.size(); ++i) {
    if (!less_specific(a->params[i], b->params[i], depth + 1)) return false;
  }
  return !a->params.empty();
}

const Type* Unifier::substitute(const Type* type, bool to_dyn) {
  return substitute(type, to_dyn, 0);
}

const Type* Unifier::substitute(const Type* type, bool to_dyn, int depth) {
  if (!type->has_params) return type;
  if (!count(depth)) return types_.simple(TypeKind::kDyn);
  if (const Type* known = bound(type)) return substitute(known, to_dyn, depth + 1);
  if (type->kind == TypeKind::kParam) return to_dyn ? types_.simple(TypeKind::kDyn) : type;
  std::vector<const Type*> params;
  for (const Type* param : type->params) params.push_back(substitute(param, to_dyn, depth + 1));
  return types_.with(*type, std::move(params));
}

}  // namespace tiphys::cel
