// What pods left in the runtime and among the logs that nothing needs any more. Pure.
//
// After upstream's container garbage collection (pkg/kubelet/kuberuntime: evictSandboxes,
// evictPodLogsDirectories). Old containers of a pod are its worker's: it keeps one dead one of each
// name, as upstream's maximum-dead-containers-per-container of 1.
#pragma once
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "kubelet/runtime/runtime.h"

namespace tiphys::kubelet {

// Sandboxes that aren't ready, hold no container, and aren't the newest of their pod.
std::vector<std::string> dead_sandboxes(const RuntimeList& list);

// "u" of the log folder "<namespace>_<name>_u"; "": it is no pod's.
std::string_view log_folder_uid(std::string_view folder);

// Of these log folders, those of pods whose uid is not in `keep`.
std::vector<std::string> orphaned_log_folders(const std::vector<std::string>& folders,
                                              const std::set<std::string>& keep);

}  // namespace tiphys::kubelet
