// The declarations of the function libraries.
// Source: github.com/google/cel-spec doc/langdef.md ("Standard Definitions"); cel-go's optional
// types and ext/ (strings version 2, sets, lists version 3, two-variable comprehensions);
// k8s.io/apiserver v0.35 pkg/cel/library. Names, ids and order of overloads are theirs.
#pragma once
#include "cel/environment.h"

namespace tiphys::cel {

void declare_standard_library(Environment& environment);
void declare_kubernetes_libraries(Environment& environment);

}  // namespace tiphys::cel
