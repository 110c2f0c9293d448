// What the scheduler writes about a pod besides its binding. Pure.
#pragma once
#include <string>
#include <string_view>

#include "base/time.h"
#include "scheduler/pod_info.h"

namespace tiphys::scheduler {

// Strategic merge patch of pods/status for PodScheduled=False; "" if the object says so already.
// nominated_node: nullopt leaves the field alone.
std::string unscheduled_patch(const Object& pod, std::string_view reason, std::string_view message,
                              std::optional<std::string> nominated_node, MicroTime now);
// The condition that tells a victim of preemption why it goes.
std::string disruption_patch(const Object& pod, std::string_view scheduler, MicroTime now);
// The body of POST pods/NAME/binding.
ObjectPtr binding_object(const PodInfo& pod, std::string_view node);

}  // namespace tiphys::scheduler
