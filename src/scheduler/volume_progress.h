// How far the binding of a pod's volumes has come, by what the API says (not by what the scheduler
// assumes). Pure. Source: checkBindings in pkg/scheduler/framework/plugins/volumebinding v1.35.
#pragma once
#include "scheduler/snapshot.h"

namespace tiphys::scheduler {

struct VolumeProgress {
  enum class State : uint8_t {
    kWaiting,
    kBound,   // every claim of the plan, to a volume that the node can use
    kFailed,  // it will not come to that: the pod needs another decision
  };
  State state = State::kWaiting;
  std::string why;  // of kFailed, in upstream's words
};

// Requires: the plan has been written.
VolumeProgress volume_progress(const VolumePlan& plan, const Snapshot& snapshot);

}  // namespace tiphys::scheduler
