// Which nodes a pod asks for: nodeSelector and required node affinity
// (https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/). Pure. (The scheduler
// has them extracted beforehand: scheduler/label_match.h.)
#pragma once
#include "kinds/core_v1.h"

namespace tiphys::kinds {

// The node's labels and name are as the pod requires. An operator that doesn't exist matches
// nothing, as does a term without requirements.
bool matches_node(core_v1::PodSpec spec, core_v1::Node node);

}  // namespace tiphys::kinds
