#include "kubelet/resources/orphan_groups.h"

#include "base/log.h"
#include "base/strings.h"
#include "kubelet/pods/resources.h"

namespace tiphys::kubelet {
namespace {

constexpr int64_t kOrphanAge = 60;  // seconds

}  // namespace

void remove_orphan_groups(const os::Cgroups& groups, const std::string& cgroup_root,
                          const std::set<std::string>& keep, int64_t now_seconds) {
  for (const char* tier : {"", "/burstable", "/besteffort"}) {
    std::string parent = kubepods_cgroup(cgroup_root) + tier;
    for (const std::string& name : groups.children(parent)) {
      std::optional<std::string_view> uid = cut_prefix(name, "pod");
      if (!uid || keep.contains(std::string(*uid))) continue;
      std::string path = parent + "/" + name;
      bool fresh = now_seconds - groups.changed_seconds(path) < kOrphanAge;
      if (fresh || !groups.processes(path).empty()) continue;
      LOG_INFO("Removing the cgroup of a pod that is gone", {"cgroup", path});
      Result<void> gone = groups.remove(path);
      if (!gone) LOG_WARNING("Orphaned cgroup can't be removed", {"err", gone.error()});
    }
  }
}

}  // namespace tiphys::kubelet
