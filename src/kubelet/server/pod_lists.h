// /pods and /runningpods/ of the kubelet's server, as JSON.
#pragma once
#include <string>

#include "kubelet/pods/pod_manager.h"

namespace tiphys::kubelet {

// The pods that this node is to run, with their status.
std::string pod_list_json(const PodManager& pods);
// What runs, as the runtime tells: names and images.
std::string running_pods_json(const PodManager& pods);

}  // namespace tiphys::kubelet
