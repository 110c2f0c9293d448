// What the profiles of a KubeSchedulerConfiguration mean to the scheduler. Internal to
// configuration*.cc. Pure.
#pragma once
#include <vector>

#include "kinds/scheduler_v1.h"
#include "scheduler/profile.h"

namespace tiphys::scheduler {

// Requires: valid, defaults filled in. Errors: BadRequest, as upstream's when it makes its
// frameworks; and plugins whose parts can't be had one by one.
Result<std::vector<Profile>> make_profiles(const scheduler_v1::KubeSchedulerConfiguration& config);

}  // namespace tiphys::scheduler
