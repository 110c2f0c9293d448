// Whether a pod may run on this node, as the kubelet checks once more after the scheduler. Pure.
// Reasons: upstream's pkg/kubelet/lifecycle/predicate.go (OutOfcpu, NodeAffinity, NodePorts...).
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "kubelet/pods/model.h"

namespace tiphys::kubelet {

struct AdmissionInput {
  core_v1::Node node;
  std::vector<core_v1::Pod> active;  // pods that already use the node
  int64_t max_pods = 110;
};
std::optional<Why> admit_pod(const AdmissionInput& input, core_v1::Pod pod);

}  // namespace tiphys::kubelet
