// Compiles an expression: parses it, checks its types, then its literals.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "cel/ast.h"
#include "cel/environment.h"

namespace tiphys::cel {

// An expression that is right. The environment must outlive it.
struct Program {
  Ast ast;
  TypeTable types;  // of the tree, on top of the environment's

  const Type& result() const { return *ast.root()->type; }
};

struct Compiled {
  std::unique_ptr<Program> program;  // null: it is not right
  std::string issues;                // as cel-go prints them: "ERROR: <input>:1:1: ..."
};

Compiled compile(std::string_view text, const Environment& environment);

}  // namespace tiphys::cel
