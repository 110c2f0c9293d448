// Checks of literals in an expression whose types are right: durations, timestamps and regular
// expressions that cannot be, lists and maps of mixed types, format strings and their arguments.
// Source: cel-go cel/validator.go and ext/formatting.go, as k8s.io/apiserver v0.35 uses them.
#pragma once
#include "cel/ast.h"
#include "cel/source.h"

namespace tiphys::cel {

void check_literals(const Ast& ast, Issues& issues);

// format_checks.cc: one call of string.format with a literal format and a literal list.
void check_format(const Expr& call, Issues& issues);

}  // namespace tiphys::cel
