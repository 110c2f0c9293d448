// The kernel's connection table, over nfnetlink: one dump, and one order for each flow that goes.
// Blocks (run it on the pool); works in the calling thread's network namespace.
#pragma once
#include "base/result.h"
#include "proxy/stale_flows.h"

namespace tiphys::proxy {

// Removes the flows of a family that are stale (is_stale); answers how many. Without fronts the
// table isn't looked at. Flows that go by themselves meanwhile are no error.
Result<int> remove_stale_flows(const Fronts& fronts, Family family);

// nf_conntrack_tcp_be_liberal: of TCP out of its window only RSTs are INVALID.
bool conntrack_is_liberal();

}  // namespace tiphys::proxy
