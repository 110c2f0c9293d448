// Pods: conditions, readiness, QoS class, and what they ask of a node. Pure; views must outlive the
// call only. Sources: k8s.io/kubernetes pkg/api/v1/pod, component-helpers/resource, KEP-753
// (sidecars), KEP-2837 (pod-level resources).
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "kinds/core_v1.h"
#include "object/quantity.h"

namespace tiphys::kinds {

// The condition of a type; the empty view if there is none.
core_v1::PodCondition find_condition(const core_v1::PodStatus& status, std::string_view type);
bool is_ready(const core_v1::Pod& pod);     // condition Ready is True
bool is_finished(const core_v1::Pod& pod);  // its phase is terminal
bool is_terminal(std::string_view phase);   // Succeeded or Failed
// An init container that keeps running beside the pod's containers (restartPolicy: Always).
bool is_sidecar(const core_v1::Container& init_container);

// "Guaranteed", "Burstable" or "BestEffort".
std::string_view qos_class(const core_v1::PodSpec& spec);

using ResourceSums = std::map<std::string, Quantity, std::less<>>;
// What the scheduler and the kubelet count: containers and sidecars together, or the largest step
// of initialisation if that is more; pod-level values replace the sum; plus overhead.
ResourceSums pod_requests(const core_v1::PodSpec& spec);
// The same over limits.
ResourceSums pod_limits(const core_v1::PodSpec& spec);
// The containers' own, without pod-level values and overhead.
ResourceSums container_requests(const core_v1::PodSpec& spec);
ResourceSums container_limits(const core_v1::PodSpec& spec);
// The same with what a pod being resized still holds, as its status tells (KEP-1287).
ResourceSums held_requests(const core_v1::Pod& pod);
ResourceSums held_limits(const core_v1::Pod& pod);

}  // namespace tiphys::kinds
