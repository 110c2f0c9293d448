// Quantities: the canonical text of what parses parses to an equal quantity, and sums don't trap.
#include <cstdlib>

#include "object/quantity.h"

using tiphys::Quantity;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto parsed = Quantity::parse(text);
  if (!parsed) return 0;
  auto again = Quantity::parse(parsed->text());
  if (!again || *again != *parsed || again->text() != parsed->text()) abort();
  Quantity sum = *parsed + *again;
  sum -= *parsed;
  (void)sum.text();
  (void)sum.milli_value();
  (void)sum.approximate();
  return 0;
}
