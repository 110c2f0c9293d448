#include "cel/ast_builder.h"

#include <algorithm>

#include "cel/literals.h"
#include "cel/macros.h"

namespace tiphys::cel {

using enum TokenKind;

std::string_view operator_name(TokenKind kind) {
  switch (kind) {
    case kEquals:
      return operators::kEquals;
    case kNotEquals:
      return "_!=_";
    case kIn:
      return "@in";
    case kLess:
      return "_<_";
    case kLessEquals:
      return "_<=_";
    case kGreater:
      return "_>_";
    case kGreaterEquals:
      return "_>=_";
    case kPlus:
      return operators::kAdd;
    case kMinus:
      return "_-_";
    case kStar:
      return "_*_";
    case kSlash:
      return "_/_";
    default:
      return "_%_";
  }
}

Expr* AstBuilder::error(int32_t offset, std::string message) {
  issues_.add(offset, std::move(message));
  return unspecified(offset);
}

Expr* AstBuilder::ident(int32_t offset, std::string name) {
  Expr* made = node(ExprKind::kIdent, offset);
  made->name = keep(std::move(name));
  return made;
}

Expr* AstBuilder::select(int32_t offset, Expr* operand, std::string_view field) {
  Expr* made = node(ExprKind::kSelect, offset);
  made->name = keep(std::string(field));
  made->args = {operand};
  made->height = operand->height + 1;
  return made;
}

Expr* AstBuilder::call(int32_t offset, std::string_view function, Expr* target,
                       std::vector<Expr*> args, bool deeper) {
  Expr* made = node(ExprKind::kCall, offset);
  made->name = keep(std::string(function));
  made->target = target;
  made->args = std::move(args);
  for (const Expr* arg : made->args) made->height = std::max(made->height, arg->height);
  if (target) made->height = std::max(made->height, target->height);
  if (deeper) ++made->height;
  return expand_macro(ast_, made, bind_, issues_);
}

Expr* AstBuilder::logic(std::string_view function, const std::vector<Expr*>& terms,
                        const std::vector<int32_t>& offsets) {
  return balance(function, terms, offsets, 0, static_cast<int>(offsets.size()) - 1);
}

Expr* AstBuilder::balance(std::string_view function, const std::vector<Expr*>& terms,
                          const std::vector<int32_t>& offsets, int low, int high) {
  if (offsets.empty()) return terms[0];
  int middle = (low + high + 1) / 2;
  Expr* left = middle == low ? terms[middle] : balance(function, terms, offsets, low, middle - 1);
  Expr* right =
      middle == high ? terms[middle + 1] : balance(function, terms, offsets, middle + 1, high);
  return call(offsets[middle], function, nullptr, {left, right}, false);
}

Expr* AstBuilder::literal(int32_t offset, Literal value) {
  Expr* made = node(ExprKind::kLiteral, offset);
  made->literal = value;
  return made;
}

Expr* AstBuilder::literal_of(int32_t offset, TokenKind kind, std::string_view text, bool negative) {
  switch (kind) {
    case kInt:
      return number(offset, int_value(text, negative), "invalid int literal");
    case kUint:
      return number(offset, uint_value(text), "invalid uint literal");
    case kFloat: {
      std::optional<double> value = double_value(text);
      if (value && negative) value = -*value;
      return number(offset, value, "invalid double literal");
    }
    case kString:
    case kBytes:
      return text_of(offset, text, kind == kBytes);
    case kNull:
      return literal(offset, Null());
    default:
      return literal(offset, kind == kTrue);
  }
}

template <class T>
Expr* AstBuilder::number(int32_t offset, std::optional<T> value, std::string_view problem) {
  return value ? literal(offset, *value) : error(offset, std::string(problem));
}

Expr* AstBuilder::text_of(int32_t offset, std::string_view token, bool bytes) {
  std::string problem;
  std::optional<std::string> text = unquote(token.substr(bytes ? 1 : 0), bytes, problem);
  if (!text) return error(offset, problem);
  std::string_view kept = keep(std::move(*text));
  if (bytes) return literal(offset, Bytes{kept});
  return literal(offset, kept);
}

}  // namespace tiphys::cel
