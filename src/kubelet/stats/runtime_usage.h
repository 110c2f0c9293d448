// Usage of containers whose control group can't be read, from what the runtime tells. Pure.
#pragma once
#include <vector>

#include "kubelet/runtime/runtime.h"
#include "kubelet/stats/usage.h"

namespace tiphys::kubelet {

// True if a container has no sample.
bool lacks_containers(const NodeUsage& usage);
// Gives those containers the runtime's samples, and pods without one the sum of their containers.
void fill_from_runtime(NodeUsage& usage, const std::vector<UsageRecord>& told);
// Gives all containers what their writable layers use. fs: the file system that these are on.
void fill_writable_layers(NodeUsage& usage, const std::vector<UsageRecord>& told,
                          const FsUsage& fs);

}  // namespace tiphys::kubelet
