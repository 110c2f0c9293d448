// make_status: the status of a pod as the API shows it, from its spec and the runtime's state.
// Pure.
//
// After upstream's generateAPIPodStatus, getPhase and pkg/kubelet/status/generate.go; reasons and
// messages are upstream's.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "kubelet/allocation/allocation.h"
#include "kubelet/pods/plan.h"

namespace tiphys::kubelet {

// How far a pod is with resources that it asked for after its start (KEP-1287).
struct ResizeReport {
  const Allocation* allocated = nullptr;  // null: what the spec says
  const Allocation* actuated = nullptr;   // null: what is allocated
  std::optional<Why> pending;             // reason Deferred or Infeasible
  int64_t pending_generation = 0;
  std::optional<Why> progress;  // allocated, not actuated; reason Error if that failed
  int64_t progress_generation = 0;
};

struct StatusInput {
  core_v1::Pod pod;  // as the API has it: its status is the old one
  const PodRuntime* runtime = nullptr;
  const std::map<std::string, ProbeState>* probes = nullptr;
  const std::map<std::string, Why>* waiting = nullptr;  // container name -> why it isn't running
  // Ids of containers whose postStart hook runs: they are not shown as running yet.
  const std::set<std::string>* starting = nullptr;
  std::vector<std::string> host_ips;
  MicroTime now = 0;
  bool killed = false;  // terminating, and nothing runs any more
  // A pod that is refused, or ended by the kubelet: phase Failed with that reason.
  const Why* failed = nullptr;
  bool refused = false;  // it never was this node's: nothing is told but the reason
  ResizeReport resize;
};

// A copy of the pod with the new status. A terminal phase is shown once nothing runs any more.
ObjectPtr make_status(const StatusInput& input, const Object& pod);
// The phase that the containers' statuses add up to.
std::string_view pod_phase(const StatusInput& input, core_v1::PodStatus status);

// How long to wait after that many failures of the API in a row, one at least: a second, then
// longer and longer up to the ten seconds of upstream's status manager.
MicroTime api_retry_pause(int failures);

// One condition of a list: added, or changed with its transition time if the status differs.
void set_condition(ListEdit<core_v1::PodConditionEdit> conditions, std::string_view type,
                   bool value, const Why& why, int64_t generation, MicroTime now);

}  // namespace tiphys::kubelet
