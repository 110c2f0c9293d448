#include "kubelet/pods/status.h"

#include "base/strings.h"
#include "kinds/pods.h"
#include "kubelet/pods/container_status.h"
#include "kubelet/pods/preemption.h"
#include "kubelet/pods/restart_policy.h"

namespace tiphys::kubelet {
namespace {

// Counts of container states, as upstream's getPhase counts them.
struct Counts {
  int waiting = 0;
  int running = 0;
  int stopped = 0;
  int stopped_for_good = 0;
  int succeeded = 0;
};

void count(const StatusInput& in, core_v1::Container container, core_v1::ContainerStatus status,
           Counts& out) {
  core_v1::ContainerState state = status.state();
  core_v1::ContainerStateTerminated end =
      state.has_terminated() ? state.terminated() : status.last_state().terminated();
  bool ended = state.has_terminated() || status.last_state().has_terminated();
  if (state.has_running()) {
    ++out.running;
  } else if (ended) {
    ++out.stopped;
    const ContainerRecord* last = in.runtime->newest(container.name());
    bool due = last && last->restart_due;
    if (!due && !restarts(in.pod.spec(), container, end.exit_code())) ++out.stopped_for_good;
    if (state.has_terminated() && end.exit_code() == 0) ++out.succeeded;
  } else {
    ++out.waiting;
  }
}

struct InitPhase {
  bool pending = false;
  bool sidecar_pending = false;
  bool failed = false;  // for good
};

void count_init(core_v1::PodSpec spec, core_v1::Container c, core_v1::ContainerStatus status,
                InitPhase& out) {
  core_v1::ContainerState state = status.state();
  bool waits_again = state.has_waiting() && status.last_state().has_terminated();
  if (!state.has_terminated() && !waits_again) {
    out.pending = true;
    return;
  }
  int32_t code = state.has_terminated() ? state.terminated().exit_code()
                                        : status.last_state().terminated().exit_code();
  if (code == 0) return;
  out.pending = true;
  if (!restarts(spec, c, code)) out.failed = true;
}

// Running sidecars count like the pod's containers; ended ones don't count at all.
void count_sidecar(core_v1::ContainerStatus status, InitPhase& init, Counts& counts) {
  core_v1::ContainerState state = status.state();
  if (state.has_running()) {
    ++counts.running;
    if (!status.started()) init.sidecar_pending = true;
  } else if (!state.has_terminated() && !status.last_state().has_terminated()) {
    ++counts.waiting;
    init.sidecar_pending = true;
  }
}

// Any container (not init) that has run: initialisation is over.
bool any_main_started(core_v1::PodSpec spec, core_v1::PodStatus status) {
  for (core_v1::Container c : spec.containers()) {
    core_v1::ContainerStatus one = find_status(status.container_statuses(), c.name());
    if (one.state().has_running() || one.state().has_terminated()) return true;
    if (one.last_state().has_terminated()) return true;
  }
  return false;
}

std::string name_list(const std::vector<std::string>& names) {
  return "[" + join(names, " ") + "]";
}

// Its size if there is none.
size_t index_of(ListEdit<core_v1::PodConditionEdit> conditions, std::string_view type) {
  size_t at = 0;
  while (at < conditions.size() && conditions[at].view().type() != type) ++at;
  return at;
}

class ConditionWriter {
 public:
  // phase: what the containers add up to, which the status may not show yet.
  ConditionWriter(const StatusInput& input, core_v1::PodStatusEdit status, std::string phase)
      : in_(input), status_(status), phase_(std::move(phase)) {}

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
    if (in_.failed && in_.failed->reason == kPreempting) {
      set("DisruptionTarget", true, {"TerminationByKubelet", std::string(kPreemptedCondition)});
    }
    write_scheduled();
    const ResizeReport& resize = in_.resize;
    write_resize("PodResizePending", resize.pending, resize.pending_generation);
    write_resize("PodResizeInProgress", resize.progress, resize.progress_generation);
  }

 private:
  void set(std::string_view type, bool value, const Why& why) {
    set_condition(status_.edit_conditions(), type, value, why, in_.pod.metadata().generation(),
                  in_.now);
  }

  // Stands behind the others, as upstream's kubelet writes its own; the binding put it first.
  void write_scheduled() {
    ListEdit<core_v1::PodConditionEdit> all = status_.edit_conditions();
    size_t at = index_of(all, "PodScheduled");
    MicroTime since = 0;
    if (at < index_of(all, "ContainersReady")) {
      if (all[at].view().status() == "True") since = all[at].view().last_transition_time();
      all.erase(at);
    }
    set("PodScheduled", true, {});
    if (since) all[all.size() - 1].set_last_transition_time(since);
  }

  // Unlike the others these go when there is nothing to say.
  void write_resize(std::string_view type, const std::optional<Why>& why, int64_t generation) {
    ListEdit<core_v1::PodConditionEdit> all = status_.edit_conditions();
    core_v1::PodCondition old = kinds::find_condition(status_.view(), type);
    bool again = why && !old.type().empty() && old.reason() != why->reason;
    for (size_t i = all.size(); i-- > 0;) {
      if (all[i].view().type() == type && (!why || again)) all.erase(i);
    }
    if (!why) return;
    bool same = !again && old.message() == why->message && old.observed_generation() == generation;
    bool known = same && !old.type().empty();
    set_condition(all, type, true, *why, generation, in_.now);
    for (size_t i = 0; i < all.size(); ++i) {
      if (!known && all[i].view().type() == type) {
        all[i].set_last_probe_time(whole_seconds(in_.now));
      }
    }
  }

  Why initialized_problem() {
    if (in_.failed && in_.runtime->containers.empty()) return {"PodFailed", ""};
    if (phase_ == "Succeeded") return {"PodCompleted", ""};
    if (any_main_started(in_.pod.spec(), status_.view())) return {};
    std::vector<std::string> waiting;
    for (core_v1::Container c : in_.pod.spec().init_containers()) {
      core_v1::ContainerStatus s = find_status(status_.view().init_container_statuses(), c.name());
      bool done = kinds::is_sidecar(c) ? s.started() : s.ready();
      if (!done) waiting.emplace_back(c.name());
    }
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
      std::string type = go_quote(gate.condition_type());
      core_v1::PodCondition c = kinds::find_condition(status_.view(), gate.condition_type());
      if (c.type().empty()) {
        missing.push_back("corresponding condition of pod readiness gate " + type +
                          " does not exist.");
      } else if (c.status() != "True") {
        missing.push_back("the status of pod readiness gate " + type + " is not \"True\", but " +
                          std::string(c.status()));
      }
    }
    if (missing.empty()) return {};
    return {"ReadinessGatesNotReady", join(missing, ", ")};
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
  size_t at = index_of(conditions, type);
  core_v1::PodConditionEdit edit = at < conditions.size() ? conditions[at] : conditions.append();
  if (edit.view().status() != text) edit.set_last_transition_time(whole_seconds(now));
  edit.set_type(type);
  edit.set_status(text);
  edit.set_reason(why.reason);
  edit.set_message(why.message);
  edit.set_observed_generation(generation);
}

std::string_view pod_phase(const StatusInput& in, core_v1::PodStatus status) {
  core_v1::PodSpec spec = in.pod.spec();
  InitPhase init;
  Counts counts;
  for (core_v1::Container c : spec.init_containers()) {
    core_v1::ContainerStatus one = find_status(status.init_container_statuses(), c.name());
    if (kinds::is_sidecar(c)) {
      count_sidecar(one, init, counts);
    } else {
      count_init(spec, c, one, init);
    }
  }
  for (core_v1::Container c : spec.containers()) {
    count(in, c, find_status(status.container_statuses(), c.name()), counts);
  }
  bool any_main = any_main_started(spec, status);
  // Initialisation starts over in a new sandbox, which takes nothing from a pod that has run.
  if (init.failed && !any_main) return "Failed";
  if ((init.pending || init.sidecar_pending) && !any_main) return "Pending";
  if (counts.waiting > 0) return "Pending";
  if (counts.running > 0) return "Running";
  if (counts.stopped == 0) return "Pending";
  // A pod that is being deleted is not started again: how it ended is what counts.
  if (!in.killed && counts.stopped != counts.stopped_for_good) return "Running";
  return counts.stopped == counts.succeeded ? "Succeeded" : "Failed";
}

namespace {

// Ends are final: never taken back, and not said while something still runs.
std::string_view shown_phase(const StatusInput& in, std::string_view phase) {
  std::string_view old = in.pod.status().phase();
  if (kinds::is_terminal(old)) return old;
  if (!kinds::is_terminal(phase) || !in.runtime->any_running()) return phase;
  return old.empty() ? "Pending" : old;
}

// By what the API has, as nothing else is known of it after a restart.
bool was_refused(const StatusInput& in) {
  core_v1::PodStatus old = in.pod.status();
  return kinds::is_terminal(old.phase()) && in.runtime->containers.empty() &&
         in.runtime->sandboxes.empty() && old.container_statuses().empty();
}

void write_common(const StatusInput& in, core_v1::PodStatusEdit status) {
  if (!status.view().has_start_time()) status.set_start_time(whole_seconds(in.now));
  status.set_qos_class(kinds::qos_class(in.pod.spec()));
  status.set_observed_generation(in.pod.metadata().generation());
}

}  // namespace

ObjectPtr make_status(const StatusInput& in, const Object& pod) {
  Draft draft(pod);
  core_v1::PodStatusEdit status = core_v1::PodEdit(draft).edit_status();
  bool refused = in.refused || was_refused(in);
  if (!refused) write_container_statuses(in, status);
  std::string phase = "Failed";
  if (in.failed) {
    status.set_phase(phase);
    status.set_reason(in.failed->reason);
    status.set_message(in.failed->message);
  } else {
    phase = kinds::is_terminal(in.pod.status().phase()) ? in.pod.status().phase()
                                                        : pod_phase(in, status.view());
    status.set_phase(shown_phase(in, phase));
  }
  write_common(in, status);
  if (refused) return draft.freeze();
  write_addresses(in, status);
  ConditionWriter(in, status, phase).write();
  return draft.freeze();
}

MicroTime api_retry_pause(int failures) {
  constexpr MicroTime kLongest = 10 * kMicrosPerSecond;
  constexpr int kDoublings = 4;
  int doublings = std::clamp(failures - 1, 0, kDoublings);
  return std::min(kMicrosPerSecond << doublings, kLongest);
}

}  // namespace tiphys::kubelet
