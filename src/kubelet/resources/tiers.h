// Limits of the groups above the pods': kubepods and its QoS classes. Pure. After upstream's
// pkg/kubelet/cm/{node_container_manager,qos_container_manager}_linux.go.
#pragma once
#include <string>
#include <vector>

#include "kubelet/node/node_object.h"
#include "os/cgroups.h"

namespace tiphys::kubelet {

struct GroupLimits {
  std::string path;
  os::CgroupLimits limits;
  bool operator==(const GroupLimits&) const = default;
};

// Of everything that isn't reserved, without what eviction keeps free: those bytes may be used.
os::CgroupLimits kubepods_limits(const NodeFacts& facts, const Options& options);
// Of "system-reserved" or "kube-reserved" groups: what is reserved.
os::CgroupLimits reserved_limits(const std::map<std::string, std::string>& reserved);
// Burstable: the sum of its pods' CPU requests; BestEffort: the least.
std::vector<GroupLimits> tier_limits(const std::string& cgroup_root,
                                     const std::vector<core_v1::Pod>& active);

}  // namespace tiphys::kubelet
