// Requests and limits to cgroup values. Pure. After upstream's pkg/kubelet/cm/helpers_linux.go,
// pkg/kubelet/kuberuntime/kuberuntime_container_linux.go and pkg/kubelet/qos/policy.go; KEP-2837
// (pod-level resources).
#pragma once
#include <cstdint>
#include <string>

#include "kubelet/options.h"
#include "kubelet/pods/model.h"
#include "os/cgroups.h"

namespace tiphys::kubelet {

// How this node turns requests and limits into cgroup values.
struct LimitRules {
  bool cpu_cfs_quota = true;
  int64_t cpu_period_us = 100'000;
  int64_t pod_pids_limit = -1;           // -1: none
  bool group_oom_kill = false;           // an end for lack of memory takes the whole container
  std::vector<int64_t> huge_page_sizes;  // of the machine, in bytes
};
LimitRules limit_rules(const Options& options, bool cgroup_v2,
                       std::vector<int64_t> huge_page_sizes);

int64_t cpu_shares_of_milli(int64_t milli_cpu);  // 2 to 262144
// At least 1 ms of the period; 0: none.
int64_t cpu_quota_of_milli(int64_t milli_cpu, int64_t period_us);
// What the container asks for; a limit that it lacks is the pod's.
os::CgroupLimits container_limits(core_v1::PodSpec spec, core_v1::Container container,
                                  const LimitRules& rules);
// Of the pod's group: what its containers sum up to; a limit only if each of them, or the pod
// itself, has one.
os::CgroupLimits pod_limits(core_v1::PodSpec spec, const LimitRules& rules);
// "hugepages-2Mi" -> bytes of a page; 0: another resource.
int64_t huge_page_bytes(std::string_view resource);
int64_t oom_score_adjustment(core_v1::PodSpec spec, core_v1::Container container,
                             int64_t memory_capacity);
// "<root>/kubepods[/burstable|/besteffort]/pod<uid>"
std::string kubepods_cgroup(const std::string& cgroup_root);
std::string pod_cgroup(const std::string& cgroup_root, core_v1::Pod pod);

}  // namespace tiphys::kubelet
