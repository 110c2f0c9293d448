// Counts of the audit log, as upstream's metrics tell them. Loop thread only.
// Upstream: apiserver/pkg/audit/metrics.go.
#pragma once
#include <array>
#include <cstdint>
#include <string>

namespace tiphys::apiserver::audit {

struct Counts {
  uint64_t events = 0;               // handed to the backend
  uint64_t rejected = 0;             // requests, because an event could not be stored
  std::array<uint64_t, 4> levels{};  // requests by level, those of None too
  // Events that were not written, by what lost them (upstream's plugins):
  uint64_t lost_by_log = 0;       // the sink failed
  uint64_t lost_by_buffer = 0;    // no room
  uint64_t lost_by_truncate = 0;  // too large without their objects
};

// In the Prometheus text format.
std::string metrics_text(const Counts& counts);

}  // namespace tiphys::apiserver::audit
