#include "kubelet/pods/status.h"

#include "kinds/pods.h"
#include "kubelet/pods/container_status.h"

namespace tiphys::kubelet {
namespace {

// Counts of container states, as upstream's getPhase counts them.
struct Counts {
  int waiting = 0;
  int running = 0;
  int stopped = 0;
  int succeeded = 0;
  int unknown = 0;
};

void count(core_v1::ContainerStatus status, Counts& out) {
  core_v1::ContainerState state = status.state();
  if (state.has_running()) {
    ++out.running;
  } else if (state.has_terminated()) {
    ++out.stopped;
    if (state.terminated().exit_code() == 0) ++out.succeeded;
  } else if (status.last_state().has_terminated()) {
    ++out.stopped;
  } else {
    ++out.waiting;
  }
}

core_v1::ContainerStatus find_status(ListView<core_v1::ContainerStatus> list,
                                     std::string_view name) {
  for (core_v1::ContainerStatus status : list) {
    if (status.name() == name) return status;
  }
  return {};
}

struct InitPhase {
  bool pending = false;
  bool failed = false;
};

InitPhase init_phase(core_v1::Pod pod, core_v1::PodStatus status) {
  InitPhase out;
  for (core_v1::Container c : pod.spec().init_containers()) {
    core_v1::ContainerStatus one = find_status(status.init_container_statuses(), c.name());
    core_v1::ContainerState state = one.state();
    if (kinds::is_sidecar(c)) {
      if (!one.started() && !state.has_terminated()) out.pending = true;
    } else if (state.has_terminated()) {
      if (state.terminated().exit_code() != 0) out.failed = true;
    } else if (state.has_waiting() && one.last_state().has_terminated()) {
      if (one.last_state().terminated().exit_code() != 0) out.failed = true;
    } else {
      out.pending = true;
    }
  }
  return out;
}

std::string name_list(const std::vector<std::string>& names) {
  std::string out = "[";
  for (const std::string& name : names) out += (out.size() > 1 ? " " : "") + name;
  return out + "]";
}

class ConditionWriter {
 public:
  ConditionWriter(const StatusInput& input, core_v1::PodStatusEdit status)
      : in_(input), status_(status), phase_(status.view().phase()) {}

  void write() {
    const SandboxRecord* sandbox = in_.runtime->newest_sandbox();
    bool network = in_.pod.spec().host_network();
    bool ready = sandbox && sandbox->ready && (network || !sandbox->ips.empty()) && !in_.failed;
    set("PodReadyToStartContainers", ready, {});
    Why initialized = initialized_problem();
    set("Initialized", initialized.reason.empty() || initialized.reason == "PodCompleted",
        initialized);
    Why containers = containers_problem();
    Why pod = containers.reason.empty() ? gates_problem() : containers;
    set("Ready", pod.reason.empty(), pod);
    set("ContainersReady", containers.reason.empty(), containers);
    if (!has("PodScheduled")) set("PodScheduled", true, {});
  }

 private:
  void set(std::string_view type, bool value, const Why& why) {
    set_condition(status_.edit_conditions(), type, value, why, in_.pod.metadata().generation(),
                  in_.now);
  }

  bool has(std::string_view type) {
    for (core_v1::PodCondition c : status_.view().conditions()) {
      if (c.type() == type) return true;
    }
    return false;
  }

  Why initialized_problem() {
    if (in_.failed && in_.runtime->containers.empty()) return {"PodFailed", ""};
    std::vector<std::string> waiting;
    bool any_main = false;
    for (core_v1::Container c : in_.pod.spec().containers()) {
      if (in_.runtime->newest(c.name())) any_main = true;
    }
    for (core_v1::Container c : in_.pod.spec().init_containers()) {
      if (any_main) break;
      core_v1::ContainerStatus s = find_status(status_.view().init_container_statuses(), c.name());
      bool done = kinds::is_sidecar(c) ? s.started() : s.ready();
      if (!done) waiting.emplace_back(c.name());
    }
    if (phase_ == "Succeeded") return {"PodCompleted", ""};
    if (waiting.empty()) return {};
    return {"ContainersNotInitialized", "containers with incomplete status: " + name_list(waiting)};
  }

  Why containers_problem() {
    if (phase_ == "Succeeded") return {"PodCompleted", ""};
    if (phase_ == "Failed") return {"PodFailed", ""};
    std::vector<std::string> unready;
    for (core_v1::Container c : in_.pod.spec().init_containers()) {
      core_v1::ContainerStatus s = find_status(status_.view().init_container_statuses(), c.name());
      if (kinds::is_sidecar(c) && !s.ready()) unready.emplace_back(c.name());
    }
    for (core_v1::Container c : in_.pod.spec().containers()) {
      core_v1::ContainerStatus s = find_status(status_.view().container_statuses(), c.name());
      if (!s.ready()) unready.emplace_back(c.name());
    }
    if (unready.empty()) return {};
    return {"ContainersNotReady", "containers with unready status: " + name_list(unready)};
  }

  Why gates_problem() {
    std::vector<std::string> missing;
    for (core_v1::PodReadinessGate gate : in_.pod.spec().readiness_gates()) {
      bool met = false;
      for (core_v1::PodCondition c : status_.view().conditions()) {
        if (c.type() == gate.condition_type() && c.status() == "True") met = true;
      }
      if (!met) missing.emplace_back(gate.condition_type());
    }
    if (missing.empty()) return {};
    return {"ReadinessGatesNotReady",
            "the status of pod readiness gate \"" + missing[0] + "\" is not \"True\", but False"};
  }

  const StatusInput& in_;
  core_v1::PodStatusEdit status_;
  std::string phase_;
};

void write_addresses(const StatusInput& in, core_v1::PodStatusEdit status) {
  status.clear_host_ip();
  status.clear_host_ips();
  for (const std::string& ip : in.host_ips) {
    if (status.view().host_ip().empty()) status.set_host_ip(ip);
    status.edit_host_ips().append().set_ip(ip);
  }
  const SandboxRecord* sandbox = in.runtime->newest_sandbox();
  std::vector<std::string> ips;
  if (in.pod.spec().host_network()) {
    if (sandbox) ips = in.host_ips;
  } else if (sandbox) {
    ips = sandbox->ips;
  }
  // The address of a sandbox that has just stopped is shown until the pod is gone.
  if (ips.empty() && sandbox) return;
  status.clear_pod_ip();
  status.clear_pod_ips();
  for (const std::string& ip : ips) {
    if (status.view().pod_ip().empty()) status.set_pod_ip(ip);
    status.edit_pod_ips().append().set_ip(ip);
  }
}

}  // namespace

void set_condition(ListEdit<core_v1::PodConditionEdit> conditions, std::string_view type,
                   bool value, const Why& why, int64_t generation, MicroTime now) {
  std::string_view text = value ? "True" : "False";
  size_t at = 0;
  while (at < conditions.size() && conditions[at].view().type() != type) ++at;
  core_v1::PodConditionEdit edit = at < conditions.size() ? conditions[at] : conditions.append();
  if (edit.view().status() != text) edit.set_last_transition_time(whole_seconds(now));
  edit.set_type(type);
  edit.set_status(text);
  edit.set_reason(why.reason);
  edit.set_message(why.message);
  edit.set_observed_generation(generation);
}

std::string_view pod_phase(const StatusInput& in, core_v1::PodStatus status) {
  InitPhase init = init_phase(in.pod, status);
  std::string_view policy = in.pod.spec().restart_policy();
  Counts counts;
  for (core_v1::Container c : in.pod.spec().containers()) {
    count(find_status(status.container_statuses(), c.name()), counts);
  }
  bool any_main = counts.running + counts.stopped > 0;
  if (init.failed && policy == "Never" && !any_main) return "Failed";
  if (init.pending && !any_main) return "Pending";
  if (counts.waiting > 0) return "Pending";
  if (counts.running > 0) return "Running";
  if (counts.stopped == 0) return "Pending";
  // A pod that is being deleted is not started again: how it ended is what counts.
  bool final = in.killed || policy == "Never";
  if (policy == "Always" && !in.killed) return "Running";
  if (counts.stopped == counts.succeeded) return "Succeeded";
  return final ? "Failed" : "Running";
}

ObjectPtr make_status(const StatusInput& in, const Object& pod) {
  Draft draft(pod);
  core_v1::PodStatusEdit status = core_v1::PodEdit(draft).edit_status();
  std::string old_phase(status.view().phase());
  write_container_statuses(in, status);
  if (in.failed) {
    status.set_phase("Failed");
    status.set_reason(in.failed->reason);
    status.set_message(in.failed->message);
  } else if (kinds::is_terminal(old_phase)) {
    status.set_phase(old_phase);  // an end is never taken back
  } else {
    status.set_phase(pod_phase(in, status.view()));
  }
  if (!status.view().has_start_time()) status.set_start_time(whole_seconds(in.now));
  status.set_qos_class(kinds::qos_class(in.pod.spec()));
  status.set_observed_generation(in.pod.metadata().generation());
  write_addresses(in, status);
  ConditionWriter(in, status).write();
  return draft.freeze();
}

}  // namespace tiphys::kubelet
