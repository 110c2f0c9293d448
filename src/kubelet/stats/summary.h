// The kubelet's /stats/summary: usage as stats.v1alpha1.Summary in JSON. Pure.
// Upstream: k8s.io/kubelet/pkg/apis/stats/v1alpha1, pkg/kubelet/server/stats.
#pragma once
#include <string>

#include "kubelet/stats/usage.h"

namespace tiphys::kubelet {

// only_cpu_and_memory: leaves out network, file systems and process numbers, as the query
// parameter of that name asks.
std::string summary_json(const NodeUsage& usage, bool only_cpu_and_memory);

}  // namespace tiphys::kubelet
