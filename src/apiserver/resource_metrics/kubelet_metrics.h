// A kubelet's /metrics/resource (Prometheus text) as points of usage. Pure; input is hostile.
// After metrics-server's pkg/scraper/client/resource.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/time.h"

namespace tiphys::apiserver {

inline constexpr size_t kMaxKubeletMetricsBytes = 16 * 1024 * 1024;

struct UsagePoint {
  MicroTime started = 0;  // of the container; its CPU time counts from there
  MicroTime time = 0;     // when it was measured
  int64_t cpu_ns = 0;
  int64_t memory_bytes = 0;  // working set
};

using ContainerPoints = std::map<std::string, UsagePoint>;  // by container
using PodName = std::pair<std::string, std::string>;        // namespace, name
struct NodePoints {
  std::optional<UsagePoint> node;
  std::map<PodName, ContainerPoints> pods;
};

// Series without a timestamp count as of `now`. What lacks CPU or memory is left out, a pod with
// such a container as a whole. Error: InternalError "failed parsing metrics: line N: ...".
Result<NodePoints> parse_kubelet_metrics(std::string_view text, MicroTime now);

}  // namespace tiphys::apiserver
