// Whether a pod may run on this node, as the kubelet checks once more after the scheduler. Pure.
// Reasons: upstream's pkg/kubelet/lifecycle/predicate.go (OutOfcpu, NodeAffinity, NodePorts...),
// pkg/kubelet/sysctl and pkg/security/apparmor. Critical pods don't push others out.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "kubelet/pods/model.h"

namespace tiphys::kubelet {

struct AdmissionInput {
  core_v1::Node node;
  std::vector<core_v1::Pod> active;  // pods that already use the node
  std::vector<std::string> allowed_unsafe_sysctls;
  bool apparmor = false;                    // the host enforces it
  bool supplemental_groups_policy = false;  // the runtime knows it
};
std::optional<Why> admit_pod(const AdmissionInput& input, core_v1::Pod pod);

}  // namespace tiphys::kubelet
