// Requests that the API server translated or tunnelled from WebSockets to SPDY, by outcome. Loop
// thread only. Upstream: apiserver/pkg/util/proxy/metrics.
#pragma once
#include <cstdint>
#include <map>
#include <string>

namespace tiphys::apiserver {

struct StreamCounts {
  std::map<int, uint64_t> translated;  // exec and attach, by code
  std::map<int, uint64_t> tunnelled;   // port-forward, by code
};
std::string metrics_text(const StreamCounts& counts);

}  // namespace tiphys::apiserver
