// Decisions about resizing a pod in place. Pure. After upstream's pkg/kubelet/allocation and
// kuberuntime's computePodResizeAction, doPodResizeAction; KEP-1287.
#pragma once
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "kubelet/allocation/allocation.h"
#include "kubelet/pods/admission.h"
#include "os/cgroups.h"

namespace tiphys::kubelet {

// Whether what the pod wants can be promised: nothing, or reason Infeasible (never) or Deferred
// (not now). input.active: the other pods, with what they have been promised.
std::optional<Why> judge_resize(const AdmissionInput& input, core_v1::Pod wanted);

// A pod that wants other resources than it has been promised.
struct WaitingResize {
  core_v1::Pod pod;        // with what it wants
  bool increases = false;  // more cpu or memory is requested
  MicroTime since = 0;     // it is known to wait; 0: it just came
};
bool increases_requests(core_v1::Pod allocated, core_v1::Pod wanted);
// Whose resize is judged first: what needs nothing more, then by priority, then guaranteed pods,
// then whoever has waited longest. A strict weak order.
bool goes_before(const WaitingResize& a, const WaitingResize& b);

// What a new spec changes, as upstream's metrics count it.
struct RequestedResize {
  std::string_view resource;     // cpu, memory
  std::string_view requirement;  // requests, limits
  std::string_view operation;    // add, remove, increase, decrease
  bool operator==(const RequestedResize&) const = default;
};
std::vector<RequestedResize> requested_resizes(core_v1::PodSpec before, core_v1::PodSpec after);

// One running container whose resources aren't what its pod was promised.
struct ContainerResize {
  std::string id;
  std::string name;
  Amounts from;
  Amounts to;
  bool cpu = false;
  bool memory = false;
  bool known = true;  // false: nobody noted what it has; it gets `to` without a restart
};
struct ResizePlan {
  std::vector<ContainerResize> updates;
  std::vector<ContainerResize> restarts;  // their resizePolicy asks for it
  bool empty() const { return updates.empty() && restarts.empty(); }
};
// pod: with what it was promised. actuated: what its containers were last given.
ResizePlan plan_resize(core_v1::Pod pod, const PodRuntime& runtime, const Allocation& actuated);
// The newest containers that ended since then, and whose resizePolicy asks for a restart to give
// them what they don't have: ended for that, by a kubelet that didn't come to start them again.
std::set<std::string> ended_for_resize(core_v1::Pod pod, const PodRuntime& runtime,
                                       const Allocation& actuated, MicroTime since);

// What is written to the pod's group before and after its containers change: never less than they
// have at any time.
struct GroupChange {
  os::CgroupLimits before;
  os::CgroupLimits after;
};
GroupChange memory_change(const os::CgroupLimits& now, const os::CgroupLimits& wanted);
GroupChange cpu_change(const os::CgroupLimits& now, const os::CgroupLimits& wanted);

// Less memory than is used would end the processes: what is said then, or "".
struct MemoryUse {
  int64_t pod_bytes = 0;
  std::map<std::string, int64_t> containers;  // by id
};
bool lowers_memory(const ResizePlan& plan, const os::CgroupLimits& now,
                   const os::CgroupLimits& wanted);
std::string memory_problem(const ResizePlan& plan, const os::CgroupLimits& now,
                           const os::CgroupLimits& wanted, const MemoryUse& use);

}  // namespace tiphys::kubelet
