// The container statuses of a pod's status. Pure. After upstream's convertToAPIContainerStatuses.
#pragma once
#include "kubelet/pods/status.h"

namespace tiphys::kubelet {

// Replaces initContainerStatuses and containerStatuses; what the runtime no longer knows is kept
// from the old ones (last state, restart count).
void write_container_statuses(const StatusInput& input, core_v1::PodStatusEdit status);

}  // namespace tiphys::kubelet
