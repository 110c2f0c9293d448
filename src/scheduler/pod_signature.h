// What all filters see of a pod, as a text: pods of equal signatures fit the same nodes. Pure.
#pragma once
#include <string>

#include "scheduler/pod_info.h"

namespace tiphys::scheduler {

// Never equal for pods that some filter tells apart; pods that differ in what no filter reads
// (names, images, projected volumes) are mostly equal.
std::string pod_signature(const PodInfo& pod);

}  // namespace tiphys::scheduler
