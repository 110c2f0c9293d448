// What is wrong with a KubeletConfiguration, in upstream's words. Pure.
#pragma once
#include "base/result.h"
#include "kinds/kubelet_v1beta1.h"

namespace tiphys::kubelet {

// Requires: defaults are filled in. BadRequest: the only problem, or all as "[a, b]".
Result<void> validate_configuration(const kubelet_v1beta1::KubeletConfiguration& config,
                                    bool cgroup_v2);

}  // namespace tiphys::kubelet
