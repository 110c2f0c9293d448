#include "kubelet/resources/tiers.h"

#include <algorithm>

#include "kinds/pods.h"
#include "kubelet/pods/resources.h"

namespace tiphys::kubelet {
namespace {

Quantity amount_of(const std::map<std::string, std::string>& amounts, const std::string& name) {
  auto found = amounts.find(name);
  return found == amounts.end() ? Quantity() : Quantity::of(found->second);
}

}  // namespace

os::CgroupLimits reserved_limits(const std::map<std::string, std::string>& reserved) {
  os::CgroupLimits out;
  int64_t milli_cpu = amount_of(reserved, "cpu").milli_value();
  if (milli_cpu > 0) out.cpu_shares = cpu_shares_of_milli(milli_cpu);
  out.memory_bytes = amount_of(reserved, "memory").value();
  out.pids = amount_of(reserved, "pid").value();
  return out;
}

os::CgroupLimits kubepods_limits(const NodeFacts& facts, const Options& options) {
  Quantity cpu(facts.machine.cpus);
  Quantity memory(facts.machine.memory_bytes);
  Quantity pids(facts.machine.pids_max);
  if (std::ranges::count(options.enforce_node_allocatable, "pods") > 0) {
    for (const auto* reserved : {&options.system_reserved, &options.kube_reserved}) {
      cpu -= amount_of(*reserved, "cpu");
      memory -= amount_of(*reserved, "memory");
      pids -= amount_of(*reserved, "pid");
    }
  }
  os::CgroupLimits out;
  out.cpu_shares = cpu_shares_of_milli(cpu.milli_value());
  out.memory_bytes = std::max<int64_t>(memory.value(), 0);
  out.pids = std::max<int64_t>(pids.value(), 0);
  return out;
}

std::vector<GroupLimits> tier_limits(const std::string& cgroup_root,
                                     const std::vector<core_v1::Pod>& active) {
  Quantity burstable;
  for (core_v1::Pod pod : active) {
    if (kinds::qos_class(pod.spec()) != "Burstable") continue;
    kinds::ResourceSums requests = kinds::pod_requests(pod.spec());
    burstable += requests["cpu"];
  }
  std::string kubepods = kubepods_cgroup(cgroup_root);
  os::CgroupLimits requested{.cpu_shares = cpu_shares_of_milli(burstable.milli_value())};
  os::CgroupLimits least{.cpu_shares = cpu_shares_of_milli(0)};
  return {{kubepods + "/burstable", requested}, {kubepods + "/besteffort", least}};
}

}  // namespace tiphys::kubelet
