// The kubelet's /metrics/resource: usage as Prometheus text (exposition format 0.0.4) with
// timestamps. Pure. Names, help and labels: upstream's pkg/kubelet/metrics/collectors
// (resource_metrics.go); KEP-727.
#pragma once
#include <string>

#include "base/result.h"
#include "kubelet/stats/usage.h"

namespace tiphys::kubelet {

// Of a failure only resource_scrape_error remains, which is 1 then.
std::string resource_metrics_text(const Result<NodeUsage>& usage);

}  // namespace tiphys::kubelet
