// Parses an expression. Pure; the source's text must outlive nothing of the result.
//
// Macros (has, all, exists, exists_one, existsOne, map, filter, their two-variable forms,
// transformList, transformMap, transformMapEntry, sortBy, optMap, optFlatMap) are expanded, and
// optional syntax (a.?b, a[?b], [?a], {?k: v}) is understood: Kubernetes' environment of v1.35.
// After errors the tree is incomplete and only good for nothing.
// Source: github.com/google/cel-spec doc/langdef.md; limits and texts of errors: cel-go's parser.
#pragma once
#include "cel/ast.h"
#include "cel/source.h"

namespace tiphys::cel {

// Code points of an expression.
inline constexpr int32_t kMaxExpressionSize = 100'000;
// Operators and members inside each other.
inline constexpr int32_t kMaxHeight = 250;
// Nodes of a tree for each code point: macros that copy their receiver multiply them, and what an
// expression costs is to be in proportion to its size.
inline constexpr size_t kNodesPerCodePoint = 16;
inline constexpr size_t kFreeNodes = 1000;

// Whether the word is kept by the language: no identifier, though a field may have the name.
bool is_reserved(std::string_view name);

// bind: cel.bind() is a macro.
Ast parse(const Source& source, bool bind, Issues& issues);

}  // namespace tiphys::cel
