// Requests and limits to cgroup values. Pure. After upstream's pkg/kubelet/cm/helpers_linux.go and
// pkg/kubelet/qos/policy.go.
#pragma once
#include <cstdint>
#include <string>

#include "kubelet/pods/model.h"
#include "os/cgroups.h"

namespace tiphys::kubelet {

inline constexpr int64_t kCpuPeriodUs = 100'000;

int64_t cpu_shares_of_milli(int64_t milli_cpu);  // 2 to 262144
int64_t cpu_quota_of_milli(int64_t milli_cpu);   // a period of 100 ms; 0: none
os::CgroupLimits container_limits(core_v1::Container container);
os::CgroupLimits pod_limits(core_v1::PodSpec spec);
int64_t oom_score_adjustment(core_v1::PodSpec spec, core_v1::Container container,
                             int64_t memory_capacity);
// "<root>/kubepods[/burstable|/besteffort]/pod<uid>"
std::string pod_cgroup(const std::string& cgroup_root, core_v1::Pod pod);

}  // namespace tiphys::kubelet
