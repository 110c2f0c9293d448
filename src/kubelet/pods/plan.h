// plan_pod: what must happen now to bring a pod's sandbox and containers to what its spec says.
//
// Pure: (pod, runtime state, probes, back-off, now) -> plan. The worker carries the plan out and
// asks again when anything changed or wake_at passed. After upstream's computePodActions
// (pkg/kubelet/kuberuntime) and KEP-753 (sidecars).
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "kubelet/pods/back_off.h"
#include "kubelet/pods/model.h"

namespace tiphys::kubelet {

// What probes say of one container (by id in PlanInput::probes; absent: no probe failed).
struct ProbeState {
  bool started = true;  // no startup probe, or it passed
  bool ready = true;    // no readiness probe, or it passes
  bool alive = true;    // no liveness or startup probe has failed for good
  std::string failed;   // "liveness" or "startup", if not alive
};

struct PlanInput {
  core_v1::Pod pod;
  const PodRuntime* runtime = nullptr;
  const std::map<std::string, ProbeState>* probes = nullptr;
  const BackOff* back_off = nullptr;
  MicroTime now = 0;
};

struct ContainerStart {
  ContainerPlace place;
  uint32_t attempt = 0;
  bool operator==(const ContainerStart&) const = default;
};

struct ContainerKill {
  std::string id;
  std::string name;
  std::string message;           // for the Killing event
  std::optional<int64_t> grace;  // seconds; nothing: the pod's
  bool operator==(const ContainerKill&) const = default;
};

struct PodPlan {
  bool create_sandbox = false;
  uint32_t sandbox_attempt = 0;
  std::vector<std::string> stop_sandboxes;
  std::vector<ContainerKill> kills;
  std::vector<ContainerStart> starts;  // in order
  std::map<std::string, Why> waiting;  // container name -> why it isn't started
  std::optional<MicroTime> wake_at;
};

PodPlan plan_pod(const PlanInput& input);

// Its back-off is forgotten when the container's definition changes.
std::string back_off_key(core_v1::Pod pod, core_v1::Container container);

// Whether it is a container's turn to be sent SIGTERM when its pod ends: sidecars go after the
// containers that they serve, the last of them first (KEP-753).
bool may_stop(core_v1::PodSpec spec, const PodRuntime& runtime, std::string_view name);

}  // namespace tiphys::kubelet
