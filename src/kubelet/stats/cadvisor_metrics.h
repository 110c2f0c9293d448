// The kubelet's /metrics/cadvisor: usage of the node, pods and containers as Prometheus text under
// cAdvisor's names and labels (https://github.com/google/cadvisor docs/storage/prometheus.md).
// Pure.
//
// Series of a pod have no container; those of the node have the id "/". File systems are told of
// the node alone, and block devices by their numbers. Not there: load, sockets, threads and
// pressure.
#pragma once
#include <string>

#include "base/result.h"
#include "kubelet/stats/usage.h"

namespace tiphys::kubelet {

// Of a failure only container_scrape_error remains, which is 1 then.
std::string cadvisor_metrics_text(const Result<NodeUsage>& usage);

}  // namespace tiphys::kubelet
