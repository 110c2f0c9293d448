// Selectors: the text of what parses parses to the same text, if it parses: "a in (,)" is written
// as "a in ()", which upstream does not take back either. Field terms are sorted as they are
// written
// ("==m" before "=a"), as upstream, so their text is the same from the second time on.
#include <cstdlib>

#include "object/selector.h"

using namespace tiphys;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto labels = LabelSelector::parse(text)) {
    auto again = LabelSelector::parse(labels->text());
    if (again && again->text() != labels->text()) abort();
    (void)labels->matches(kEmptyNode);
  }
  if (auto fields = FieldSelector::parse(text)) {
    auto again = FieldSelector::parse(fields->text());
    if (!again) abort();
    auto third = FieldSelector::parse(again->text());
    if (!third || third->text() != again->text()) abort();
  }
  return 0;
}
