// Sums of times that cannot overflow, whatever numbers people write. Pure.
#pragma once
#include "base/time.h"

namespace tiphys {

// A number of seconds; more than a century (either way) counts as one, so that a few may be added.
Duration bounded_seconds(int64_t seconds);
// So many seconds later, or earlier; the years 1 to 9999 have no other side.
MicroTime seconds_after(MicroTime time, int64_t seconds);
// How long from one time to another; 292 years at most, either way, as Go's Time.Sub.
Duration time_between(MicroTime from, MicroTime to);

}  // namespace tiphys
