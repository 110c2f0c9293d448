// Expressions: whatever the text is, parsing and checking end, and issues can be printed.
#include <cstdlib>

#include "cel/parser.h"

using namespace tiphys::cel;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  Source source(text);
  Issues issues;
  Ast ast = parse(source, issues);
  if (issues.empty() != issues.text(source).empty()) abort();
  if (issues.empty() && !ast.root()) abort();
  return 0;
}
