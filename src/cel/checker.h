// Checks the types of a parsed expression, and fills them in.
//
// After check() without issues each node has its type (no parameters left; dyn for what only
// evaluation tells), each call the ids of its possible overloads, and names of identifiers,
// functions and types are written out in full.
// Source: github.com/google/cel-spec doc/langdef.md ("Gradual type checking"); texts of issues:
// cel-go checker/errors.go.
#pragma once
#include "cel/ast.h"
#include "cel/environment.h"
#include "cel/source.h"

namespace tiphys::cel {

// Steps that a check may take for each node of the tree, to find which types go together.
inline constexpr size_t kStepsPerNode = 100;
inline constexpr size_t kFreeSteps = 5000;

// types: on top of the environment's; must live as long as the tree.
void check(Ast& ast, const Environment& environment, TypeTable& types, Issues& issues);

}  // namespace tiphys::cel
