#include "apiserver/table/pod_status.h"

namespace tiphys::apiserver {
namespace {

bool has_condition(core_v1::PodStatus status, std::string_view type) {
  for (core_v1::PodCondition condition : status.conditions()) {
    if (condition.type() == type) return condition.status() == "True";
  }
  return false;
}

bool is_restartable(core_v1::PodSpec spec, std::string_view name) {
  for (core_v1::Container container : spec.init_containers()) {
    if (container.name() == name) return container.restart_policy() == "Always";
  }
  return false;
}

std::string exit_text(core_v1::ContainerStateTerminated ended) {
  if (!ended.reason().empty()) return std::string(ended.reason());
  if (ended.signal() != 0) return "Signal:" + std::to_string(ended.signal());
  return "ExitCode:" + std::to_string(ended.exit_code());
}

void count_restarts(core_v1::ContainerStatus status, PodSummary& summary) {
  summary.restarts += status.restart_count();
  if (status.last_state().has_terminated()) {
    summary.last_restart =
        std::max(summary.last_restart, status.last_state().terminated().finished_at());
  }
}

// The init containers' part; true while one of them is not through.
bool summarize_init(core_v1::Pod pod, PodSummary& summary, PodSummary& sidecars) {
  auto statuses = pod.status().init_container_statuses();
  for (size_t i = 0; i < statuses.size(); ++i) {
    core_v1::ContainerStatus status = statuses[i];
    bool sidecar = is_restartable(pod.spec(), status.name());
    count_restarts(status, summary);
    if (sidecar) count_restarts(status, sidecars);
    core_v1::ContainerState state = status.state();
    if (state.has_terminated() && state.terminated().exit_code() == 0) continue;
    if (sidecar && status.started()) {
      if (status.ready()) ++summary.ready;
      continue;
    }
    if (state.has_terminated()) {
      summary.status = "Init:" + exit_text(state.terminated());
    } else if (state.has_waiting() && !state.waiting().reason().empty() &&
               state.waiting().reason() != "PodInitializing") {
      summary.status = "Init:" + std::string(state.waiting().reason());
    } else {
      summary.status =
          "Init:" + std::to_string(i) + "/" + std::to_string(pod.spec().init_containers().size());
    }
    return true;
  }
  return false;
}

void summarize_containers(core_v1::Pod pod, PodSummary& summary) {
  bool has_running = false;
  auto statuses = pod.status().container_statuses();
  for (size_t i = statuses.size(); i-- > 0;) {
    core_v1::ContainerStatus status = statuses[i];
    count_restarts(status, summary);
    core_v1::ContainerState state = status.state();
    if (state.has_waiting() && !state.waiting().reason().empty()) {
      summary.status = state.waiting().reason();
    } else if (state.has_terminated()) {
      summary.status = exit_text(state.terminated());
    } else if (status.ready() && state.has_running()) {
      has_running = true;
      ++summary.ready;
    }
  }
  if (summary.status == "Completed" && has_running) {
    summary.status = has_condition(pod.status(), "Ready") ? "Running" : "NotReady";
  }
}

}  // namespace

PodSummary summarize_pod(core_v1::Pod pod) {
  PodSummary summary;
  std::string_view reason = pod.status().reason();
  summary.status = reason.empty() ? pod.status().phase() : reason;
  summary.total = static_cast<int>(pod.spec().containers().size());
  for (core_v1::Container container : pod.spec().init_containers()) {
    summary.total += container.restart_policy() == "Always";
  }
  for (core_v1::PodCondition condition : pod.status().conditions()) {
    if (condition.type() == "PodScheduled" && condition.reason() == "SchedulingGated") {
      summary.status = "SchedulingGated";
    }
  }
  PodSummary sidecars;
  bool initializing = summarize_init(pod, summary, sidecars);
  if (!initializing || has_condition(pod.status(), "Initialized")) {
    summary.restarts = sidecars.restarts;
    summary.last_restart = sidecars.last_restart;
    summarize_containers(pod, summary);
  }
  std::string_view phase = pod.status().phase();
  if (pod.metadata().has_deletion_timestamp()) {
    if (reason == "NodeLost") {
      summary.status = "Unknown";
    } else if (phase != "Succeeded" && phase != "Failed") {
      summary.status = "Terminating";
    }
  }
  return summary;
}

}  // namespace tiphys::apiserver
