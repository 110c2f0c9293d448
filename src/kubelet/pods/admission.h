// Whether a pod may run on this node, as the kubelet checks once more after the scheduler. Pure.
// Reasons: upstream's pkg/kubelet/lifecycle/predicate.go (OutOfcpu, NodeAffinity, NodePorts...),
// pkg/kubelet/sysctl and pkg/security/apparmor.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "kubelet/pods/model.h"
#include "object/quantity.h"

namespace tiphys::kubelet {

struct AdmissionInput {
  core_v1::Node node;
  std::vector<core_v1::Pod> active;  // pods that already use the node
  std::vector<std::string> allowed_unsafe_sysctls;
  bool apparmor = false;                    // the host enforces it
  bool supplemental_groups_policy = false;  // the runtime knows it
};

// A resource that the node hasn't enough of for a pod. cpu in thousandths, else in whole units.
struct Shortage {
  std::string resource;  // "pods": their number
  int64_t requested = 0;
  int64_t used = 0;
  int64_t capacity = 0;
  int64_t missing() const { return requested - (capacity - used); }
};
int64_t whole_amount(std::string_view resource, const Quantity& quantity);

struct Judgement {
  std::optional<Why> refusal;       // for what no pod can change by going
  std::vector<Shortage> shortages;  // of what other pods have
};
Judgement judge_pod(const AdmissionInput& input, core_v1::Pod pod);
// The first of it all; nothing: it may run.
std::optional<Why> admit_pod(const AdmissionInput& input, core_v1::Pod pod);

}  // namespace tiphys::kubelet
