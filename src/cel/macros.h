// Macros: calls that stand for other expressions (comprehensions, tests of presence).
// Source: github.com/google/cel-spec doc/langdef.md ("Macros"); cel-go parser/macro.go and ext/
// (comprehensions, lists), cel/library.go (optional types), as k8s.io/apiserver v0.35 enables them.
#pragma once
#include "cel/ast.h"
#include "cel/source.h"

namespace tiphys::cel {

// The expression that the call stands for, or the call itself if it is no macro. A macro whose
// arguments are not well-formed is reported and becomes an unspecified expression.
// bind: cel.bind(name, value, expression) is one too.
Expr* expand_macro(Ast& ast, Expr* call, bool bind, Issues& issues);

}  // namespace tiphys::cel
