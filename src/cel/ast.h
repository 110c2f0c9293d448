// Expr and Ast: an expression as a tree, macros expanded; after checking with its types.
//
// An Ast owns its nodes and their texts; pointers live as long as it does. Built by the parser on
// one thread, filled in by the checker; constant afterwards. Every node is in the tree once.
// Source of the shape: github.com/google/cel-spec proto/cel/expr/syntax.proto.
#pragma once
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cel/type.h"

namespace tiphys::cel {

// Functions that operators and macros stand for.
namespace operators {
inline constexpr std::string_view kConditional = "_?_:_";
inline constexpr std::string_view kAnd = "_&&_";
inline constexpr std::string_view kOr = "_||_";
inline constexpr std::string_view kNot = "!_";
inline constexpr std::string_view kNegate = "-_";
inline constexpr std::string_view kEquals = "_==_";
inline constexpr std::string_view kAdd = "_+_";
inline constexpr std::string_view kIndex = "_[_]";
inline constexpr std::string_view kOptionalIndex = "_[?_]";
inline constexpr std::string_view kOptionalSelect = "_?._";
inline constexpr std::string_view kNotStrictlyFalse = "@not_strictly_false";
inline constexpr std::string_view kMapInsert = "cel.@mapInsert";
}  // namespace operators

struct Null {};
struct Bytes {
  std::string_view data;
};
using Literal = std::variant<Null, bool, int64_t, uint64_t, double, std::string_view, Bytes>;

enum class ExprKind : uint8_t {
  kUnspecified,  // what could not be parsed
  kLiteral,
  kIdent,
  kSelect,  // operand: args[0]; test: has(operand.name)
  kCall,
  kList,
  kMap,
  kStruct,
  kComprehension,
};

struct Expr;

// key: value of a map, or (key null) name: value of a struct.
struct Entry {
  int32_t offset = 0;  // of the colon
  Expr* key = nullptr;
  std::string_view name;
  Expr* value = nullptr;
  bool optional = false;
};

// result after, for each of range while condition, accu = step. var2 empty: one variable.
struct Comprehension {
  std::string_view var;
  std::string_view var2;
  std::string_view accu;
  Expr* range = nullptr;
  Expr* init = nullptr;
  Expr* condition = nullptr;
  Expr* step = nullptr;
  Expr* result = nullptr;
};

struct Expr {
  ExprKind kind = ExprKind::kUnspecified;
  bool test = false;
  int32_t offset = 0;      // where errors about it point
  int32_t height = 0;      // how deep operators and members nest in it
  std::string_view name;   // ident, field, function or type; the checker writes it out in full
  Literal literal;         // kLiteral
  Expr* target = nullptr;  // kCall: the receiver, if there is one
  std::vector<Expr*> args;
  std::vector<bool> optional_items;  // kList: which are `?item`; empty: none
  std::vector<Entry> entries;        // kMap, kStruct
  Comprehension loop;                // kComprehension

  // Set by the checker.
  const Type* type = nullptr;
  std::vector<std::string_view> overloads;  // ids of what a call may mean, by static types
};

class Ast {
 public:
  // An empty tree that macros may let grow to so many nodes.
  explicit Ast(size_t max_nodes) : max_nodes_(max_nodes) {}

  Expr* make(ExprKind kind, int32_t offset) {
    nodes_.emplace_back();
    nodes_.back().kind = kind;
    nodes_.back().offset = offset;
    return &nodes_.back();
  }
  std::string_view keep(std::string text) {
    texts_.push_back(std::move(text));
    return texts_.back();
  }
  size_t size() const { return nodes_.size(); }
  size_t max_nodes() const { return max_nodes_; }
  bool is_full() const { return nodes_.size() > max_nodes_; }
  // In no order of the tree.
  const std::deque<Expr>& nodes() const { return nodes_; }
  void set_root(Expr* root) { root_ = root; }
  Expr* root() { return root_; }
  const Expr* root() const { return root_; }

 private:
  size_t max_nodes_;
  std::deque<Expr> nodes_;
  std::deque<std::string> texts_;
  Expr* root_ = nullptr;
};

}  // namespace tiphys::cel
