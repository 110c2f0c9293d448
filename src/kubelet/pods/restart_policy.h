// Which containers are started again after they ended. Pure. A container's restartPolicyRules come
// first, then its restartPolicy, then the pod's (KEP-5307, pkg/api/v1/pod of v1.35).
#pragma once
#include "kubelet/pods/model.h"

namespace tiphys::kubelet {

// Whether a container of this pod that ended with this code is started again.
bool restarts(core_v1::PodSpec spec, core_v1::Container container, int32_t exit_code);
// Whether there is any code after which it is.
bool may_restart(core_v1::PodSpec spec, core_v1::Container container);
// Whether one that the kubelet itself stops (a failed probe) is: its end has no code yet, so the
// rules say nothing.
bool restarts_when_killed(core_v1::PodSpec spec, core_v1::Container container);

// True if no container of the pod will be started again: all ended and may stay so, or an init
// container failed for good.
bool is_finished(core_v1::Pod pod, const PodRuntime& runtime);

}  // namespace tiphys::kubelet
