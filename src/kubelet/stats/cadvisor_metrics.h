// The kubelet's /metrics/cadvisor: usage of the node, pods and containers as Prometheus text under
// cAdvisor's names and labels (https://github.com/google/cadvisor docs/storage/prometheus.md).
// Pure.
//
// Series of a pod have no container; those of the node have the id "/". Not there: file systems,
// load and devices.
#pragma once
#include <string>

#include "base/result.h"
#include "kubelet/stats/usage.h"

namespace tiphys::kubelet {

// Of a failure only container_scrape_error remains, which is 1 then.
std::string cadvisor_metrics_text(const Result<NodeUsage>& usage);

}  // namespace tiphys::kubelet
