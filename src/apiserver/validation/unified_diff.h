// Differences of texts in the unified format, line for line those of Python's difflib (and of its
// port github.com/pmezard/go-difflib, which upstream uses): three lines of context, no file names,
// lines that are frequent in a long text no anchors. Pure.
#pragma once
#include <string>
#include <string_view>

namespace tiphys::apiserver {

// The work grows with the product of the numbers of lines: callers bound them.
std::string unified_diff(std::string_view before, std::string_view after);

}  // namespace tiphys::apiserver
