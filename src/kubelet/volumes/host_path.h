// hostPath volumes: whether the host has at that path what the pod's spec says, made if asked for.
// After upstream's pkg/volume/hostpath.
#pragma once
#include "base/result.h"
#include "kinds/core_v1.h"

namespace tiphys::kubelet {

// Whether there is anything to check: type "" takes whatever is there.
bool has_host_path_check(core_v1::Volume volume);
// Blocks, for ever on a dead mount (see VolumeCalls); any thread.
// Errors: 'hostPath type check failed: /a is not a directory' and alike.
Result<void> check_host_path(const std::string& path, const std::string& type);

}  // namespace tiphys::kubelet
