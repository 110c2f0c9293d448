// Quantities: the canonical text of what parses parses to an equal quantity, and sums don't trap.
// The text of a text is the same one; but where it left the binary suffixes (62.5Ki is "64000") it
// is a decimal quantity from then on ("64k"), as upstream.
#include <cstdlib>

#include "object/quantity.h"

using tiphys::Quantity;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto parsed = Quantity::parse(text);
  if (!parsed) return 0;
  auto again = Quantity::parse(parsed->text());
  if (!again || *again != *parsed) abort();
  if (again->format() == parsed->format() && again->text() != parsed->text()) abort();
  auto third = Quantity::parse(again->text());
  if (!third || *third != *again || third->text() != again->text()) abort();
  Quantity sum = *parsed + *again;
  sum -= *parsed;
  (void)sum.text();
  (void)sum.milli_value();
  (void)sum.approximate();
  return 0;
}
