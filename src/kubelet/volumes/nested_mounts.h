// Mount points inside a volume: where a container mounts another volume below this one. Pure.
// The runtime can't make them in a volume that is mounted read-only, so the kubelet does. After
// upstream's pkg/volume/util/nested_volumes.go.
#pragma once
#include <set>
#include <string>

#include "base/result.h"
#include "kinds/core_v1.h"

namespace tiphys::kubelet {

// Relative paths of folders. Error: a mount path that leads out of the container.
Result<std::set<std::string>> nested_mount_points(core_v1::PodSpec spec, std::string_view volume);

}  // namespace tiphys::kubelet
