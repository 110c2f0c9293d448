// What all filters see of a pod, as a text: pods of equal signatures fit the same nodes. Pure.
#pragma once
#include <string>

#include "scheduler/pod_info.h"

namespace tiphys::scheduler {

// Never equal for pods that some filter tells apart; pods that differ in what no filter reads
// (names, images, projected volumes) are mostly equal. by_controller: the profile's own spread
// constraints filter, so that it counts what a pod without any belongs to.
std::string pod_signature(const PodInfo& pod, bool by_controller = false);

}  // namespace tiphys::scheduler
