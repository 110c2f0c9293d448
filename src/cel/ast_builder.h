// AstBuilder: makes the nodes of an expression's tree: calls (of macros: what they stand for),
// members, literals. Whatever cannot be made is reported and becomes a node of no meaning.
//
// Belongs to one parse; everything it refers to outlives it.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cel/ast.h"
#include "cel/source.h"
#include "cel/token.h"

namespace tiphys::cel {

// The function that an arithmetic or relational operator calls: "_+_".
std::string_view operator_name(TokenKind kind);

class AstBuilder {
 public:
  // bind: cel.bind() is a macro.
  AstBuilder(Ast& ast, bool bind, Issues& issues) : ast_(ast), bind_(bind), issues_(issues) {}

  Expr* node(ExprKind kind, int32_t offset) { return ast_.make(kind, offset); }
  Expr* unspecified(int32_t offset) { return node(ExprKind::kUnspecified, offset); }
  // Reports, and is unspecified.
  Expr* error(int32_t offset, std::string message);
  std::string_view keep(std::string text) { return ast_.keep(std::move(text)); }

  Expr* ident(int32_t offset, std::string name);
  Expr* select(int32_t offset, Expr* operand, std::string_view field);
  // deeper: it counts for the height of the tree.
  Expr* call(int32_t offset, std::string_view function, Expr* target, std::vector<Expr*> args,
             bool deeper);
  // Terms joined by a logical operator at these offsets: a tree of even height instead of a chain;
  // which order the terms have does not matter.
  Expr* logic(std::string_view function, const std::vector<Expr*>& terms,
              const std::vector<int32_t>& offsets);

  Expr* literal(int32_t offset, Literal value);
  // The value of a literal's token.
  Expr* literal_of(int32_t offset, TokenKind kind, std::string_view text, bool negative);

 private:
  Expr* balance(std::string_view function, const std::vector<Expr*>& terms,
                const std::vector<int32_t>& offsets, int low, int high);
  template <class T>
  Expr* number(int32_t offset, std::optional<T> value, std::string_view problem);
  Expr* text_of(int32_t offset, std::string_view token, bool bytes);

  Ast& ast_;
  bool bind_;
  Issues& issues_;
};

}  // namespace tiphys::cel
