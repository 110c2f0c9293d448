// Control groups of pods that are gone.
#pragma once
#include <set>
#include <string>

#include "os/cgroups.h"

namespace tiphys::kubelet {

// Removes groups of pods that are not in `keep`, if nothing runs in them and nothing changed there
// for a minute: on a shared machine a group may be another node's that has just made it. Blocks.
void remove_orphan_groups(const os::Cgroups& groups, const std::string& cgroup_root,
                          const std::set<std::string>& keep, int64_t now_seconds);

}  // namespace tiphys::kubelet
