// The container statuses of a pod's status. Pure. After upstream's convertToAPIContainerStatuses.
#pragma once
#include "kubelet/pods/status.h"

namespace tiphys::kubelet {

// Replaces the three lists of container statuses; what the runtime no longer knows is kept
// from the old ones (last state, restart count).
void write_container_statuses(const StatusInput& input, core_v1::PodStatusEdit status);

// The status of that name; the empty view if there is none.
core_v1::ContainerStatus find_status(ListView<core_v1::ContainerStatus> list,
                                     std::string_view name);

// All termination messages of a pod together; each of its containers gets an equal part.
inline constexpr size_t kMaxPodMessageBytes = 12 * 1024;

}  // namespace tiphys::kubelet
