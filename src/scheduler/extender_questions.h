// What a scheduler asks an extender, and about which pods. Pure.
//
// Questions are JSON, as Go writes k8s.io/kube-scheduler/extender/v1 (its fields have no JSON
// names of their own; objects carry no kind, as those of upstream's informers).
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "scheduler/extender_config.h"
#include "scheduler/preemption.h"

namespace tiphys::scheduler {

// Whether the pod asks for a resource that the extender manages, or it minds every pod.
bool is_interested(const ExtenderConfig& extender, const PodInfo& pod);

std::string extender_url(const ExtenderConfig& extender, std::string_view verb);

// ExtenderArgs, of filter and prioritize: whole nodes, or names if it is nodeCacheCapable.
std::string extender_args(const ExtenderConfig& extender, const PodInfo& pod,
                          std::span<const ObjectPtr> nodes);
// ExtenderPreemptionArgs: whole victims, or their uids.
std::string extender_preemption_args(const ExtenderConfig& extender, const PodInfo& pod,
                                     std::span<const Candidate> candidates);
// ExtenderBindingArgs.
std::string extender_binding_args(const PodInfo& pod, std::string_view node);

}  // namespace tiphys::scheduler
