// Preemption: which pods make room for a critical pod that doesn't fit. Pure. After upstream's
// pkg/kubelet/preemption and pkg/kubelet/types (IsCriticalPod, Preemptable).
#pragma once
#include <string>
#include <vector>

#include "kubelet/pods/admission.h"

namespace tiphys::kubelet {

// What is said of a pod that had to go, as its events, status and condition say it.
inline constexpr std::string_view kPreempting = "Preempting";
inline constexpr std::string_view kPreemptedMessage = "Preempted in order to admit critical pod";
inline constexpr std::string_view kPreemptedCondition =
    "Pod was preempted by Kubelet to accommodate a critical pod.";

// Static, or of the priority of system-cluster-critical at least.
bool is_critical(core_v1::Pod pod);

struct Admission {
  std::optional<Why> refusal;   // nothing: it may run
  std::vector<size_t> victims;  // places in input.active, of pods that have to go for it
  std::string lacking;          // for want of this resource first of all
};
// As admit_pod, but a critical pod takes what it lacks from others: from as few as possible, best
// effort pods before burstable before guaranteed ones, and of each class those whose requests come
// nearest to what lacks. Never from critical pods, unless their priority is lower.
// Reason UnexpectedAdmissionError: all that may go don't free enough.
Admission admit_or_preempt(const AdmissionInput& input, core_v1::Pod pod);
// How long the end of a pod that has to go is waited for.
Duration preemption_limit(core_v1::PodSpec spec);

}  // namespace tiphys::kubelet
