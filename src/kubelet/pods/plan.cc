#include "kubelet/pods/plan.h"

#include <algorithm>

#include "kinds/pods.h"
#include "kubelet/pods/restart_policy.h"

namespace tiphys::kubelet {
namespace {

class Planner {
 public:
  explicit Planner(const PlanInput& input) : in_(input), spec_(input.pod.spec()) {}

  PodPlan run() {
    const SandboxRecord* sandbox = in_.runtime->newest_sandbox();
    for (const SandboxRecord& old : in_.runtime->sandboxes) {
      if (old.ready && &old != sandbox) plan_.stop_sandboxes.push_back(old.id);
    }
    if (!sandbox || !sandbox->ready) {
      replace_sandbox(sandbox);
      return std::move(plan_);
    }
    sandbox_ = sandbox->id;
    ephemeral_containers();
    initialized_ = any_main_container();
    if (init_containers_done()) main_containers();
    return std::move(plan_);
  }

 private:
  bool any_main_container() const {
    for (core_v1::Container c : spec_.containers()) {
      if (in_.runtime->newest(c.name(), sandbox_)) return true;
    }
    return false;
  }

  // Whether a new sandbox would have a container to run.
  bool any_left_to_run() const {
    if (is_finished(in_.pod, *in_.runtime)) return false;
    if (in_.runtime->containers.empty()) return true;
    for (core_v1::Container c : spec_.containers()) {
      if (may_restart(spec_, c)) return true;
    }
    return false;
  }

  // A sandbox that ended takes its containers with it; they start over in a new one.
  void replace_sandbox(const SandboxRecord* sandbox) {
    for (const ContainerRecord& c : in_.runtime->containers) {
      if (!is_alive(c)) continue;
      plan_.kills.push_back(
          {c.id, c.name, "Pod sandbox changed, it will be killed and re-created.", {}});
    }
    if (sandbox && !any_left_to_run()) return;
    if (sandbox) plan_.stop_sandboxes.push_back(sandbox->id);
    plan_.create_sandbox = true;
    plan_.sandbox_attempt = sandbox ? sandbox->attempt + 1 : 0;
  }

  void start(ContainerPlace place, std::string_view name) {
    const ContainerRecord* last = in_.runtime->newest(name);
    plan_.starts.push_back({place, last ? last->attempt + 1 : 0});
  }

  void wake(MicroTime at) {
    if (!plan_.wake_at || at < *plan_.wake_at) plan_.wake_at = at;
  }

  // Starts a container again that ended, unless it has to wait.
  void restart(ContainerPlace place, core_v1::Container c, const ContainerRecord& last) {
    if (last.restart_due) {
      start(place, c.name());
      return;
    }
    std::string key = back_off_key(in_.pod, c);
    // Created but never started (a crash of ours in between, or a failed start).
    MicroTime ended = last.state == ContainerState::kCreated ? last.created : last.finished;
    MicroTime at = in_.back_off->allowed_at(key, ended, in_.now);
    if (at == 0) {
      start(place, c.name());
      return;
    }
    std::string delay = format_go_duration(std::chrono::microseconds(in_.back_off->delay(key)));
    plan_.waiting[std::string(c.name())] = {
        "CrashLoopBackOff", "back-off " + delay + " restarting failed container=" +
                                std::string(c.name()) + " pod=" + pod_label(in_.pod)};
    wake(at);
  }

  ProbeState probe(const std::string& id) const {
    auto found = in_.probes->find(id);
    return found == in_.probes->end() ? ProbeState() : found->second;
  }

  // How long a container gets whose probe failed, if the probe itself says so.
  static std::optional<int64_t> probe_grace(core_v1::Container c, const std::string& kind) {
    core_v1::Probe probe = kind == "startup" ? c.startup_probe() : c.liveness_probe();
    if (!probe.has_termination_grace_period_seconds()) return std::nullopt;
    return probe.termination_grace_period_seconds();
  }

  // True if the running container has to go: it is killed, and started again once it ended.
  bool kill_if_needed(ContainerKind kind, core_v1::Container c, const ContainerRecord& running) {
    auto hash = running.annotations.find(std::string(kHashAnnotation));
    std::string name(c.name());
    if (hash != running.annotations.end() && hash->second != container_hash(c)) {
      plan_.kills.push_back(
          {running.id, name, "Container " + name + " definition changed, will be restarted", {}});
      return true;
    }
    ProbeState state = probe(running.id);
    if (state.alive) return false;
    bool main = kind == ContainerKind::kMain;
    std::string message =
        (main ? "Container " : "Init container ") + name + " failed " + state.failed + " probe";
    if (main && restarts_when_killed(spec_, c)) message += ", will be restarted";
    plan_.kills.push_back({running.id, name, message, probe_grace(c, state.failed)});
    return true;
  }

  // One of which the runtime can't say whether it runs: stopped first, so that there never are two.
  void kill_unknown(ContainerKind kind, const ContainerRecord& c) {
    std::string what = kind == ContainerKind::kInit ? "Init container" : "Container";
    plan_.kills.push_back(
        {c.id, c.name, what + " is in \"unknown\" state, try killing it before restart", {}});
  }

  // Never started again, and not held back by initialisation.
  void ephemeral_containers() {
    for (size_t i = 0; i < spec_.ephemeral_containers().size(); ++i) {
      std::string_view name = spec_.ephemeral_containers()[i].name();
      if (!in_.runtime->newest(name)) start({ContainerKind::kEphemeral, i}, name);
    }
  }

  // The last one that was ever started here: those before it are done, even if nothing is left of
  // them in the runtime.
  size_t reached() const {
    size_t out = 0;
    ListView<core_v1::Container> inits = spec_.init_containers();
    for (size_t i = 0; i < inits.size(); ++i) {
      if (in_.runtime->newest(inits[i].name(), sandbox_)) out = i;
    }
    return out;
  }

  bool init_containers_done() {
    ListView<core_v1::Container> inits = spec_.init_containers();
    size_t last = reached();
    for (size_t i = 0; i < inits.size(); ++i) {
      bool passed = initialized_ || i < last;
      if (kinds::is_sidecar(inits[i])) {
        bool started = sidecar_started(i, inits[i]);
        if (!started && !passed) return false;
      } else if (!passed && !init_done(i, inits[i])) {
        return false;
      }
    }
    return true;
  }

  bool init_done(size_t index, core_v1::Container c) {
    ContainerPlace place{ContainerKind::kInit, index};
    const ContainerRecord* last = in_.runtime->newest(c.name(), sandbox_);
    if (!last) {
      start(place, c.name());
    } else if (last->state == ContainerState::kExited) {
      if (last->exit_code == 0) return true;
      if (restarts(spec_, c, last->exit_code)) restart(place, c, *last);
    } else if (last->state == ContainerState::kUnknown) {
      kill_unknown(ContainerKind::kInit, *last);
    } else if (last->state == ContainerState::kCreated) {
      restart(place, c, *last);
    } else {
      (void)kill_if_needed(ContainerKind::kInit, c, *last);
    }
    return false;
  }

  // True if the next one may start beside it.
  bool sidecar_started(size_t index, core_v1::Container c) {
    ContainerPlace place{ContainerKind::kInit, index};
    const ContainerRecord* last = in_.runtime->newest(c.name(), sandbox_);
    if (!last) {
      start(place, c.name());
    } else if (last->state == ContainerState::kUnknown) {
      kill_unknown(ContainerKind::kInit, *last);
    } else if (last->state != ContainerState::kRunning) {
      restart(place, c, *last);
    } else {
      return !kill_if_needed(ContainerKind::kInit, c, *last) && probe(last->id).started;
    }
    return false;
  }

  void main_containers() {
    ListView<core_v1::Container> all = spec_.containers();
    for (size_t i = 0; i < all.size(); ++i) main_container(i, all[i]);
  }

  void main_container(size_t index, core_v1::Container c) {
    ContainerPlace place{ContainerKind::kMain, index};
    const ContainerRecord* last = in_.runtime->newest(c.name());
    bool here = last && last->sandbox_id == sandbox_;
    if (!last) {
      start(place, c.name());
    } else if (last->state == ContainerState::kExited) {
      if (!last->restart_due && !restarts(spec_, c, last->exit_code)) return;
      // What its sandbox took along did not crash.
      if (here)
        restart(place, c, *last);
      else
        start(place, c.name());
    } else if (last->state == ContainerState::kUnknown) {
      kill_unknown(ContainerKind::kMain, *last);
    } else if (last->state == ContainerState::kCreated) {
      restart(place, c, *last);
    } else if (here) {
      (void)kill_if_needed(ContainerKind::kMain, c, *last);
    }
  }

  const PlanInput& in_;
  core_v1::PodSpec spec_;
  std::string sandbox_;
  bool initialized_ = false;
  PodPlan plan_;
};

bool is_alive_in(const PodRuntime& runtime, std::string_view name) {
  return std::any_of(runtime.containers.begin(), runtime.containers.end(),
                     [&](const ContainerRecord& c) { return c.name == name && is_alive(c); });
}

}  // namespace

PodPlan plan_pod(const PlanInput& input) { return Planner(input).run(); }

std::string back_off_key(core_v1::Pod pod, core_v1::Container container) {
  return std::string(pod.metadata().uid()) + "/" + std::string(container.name()) + "/" +
         container_hash(container);
}

bool may_stop(core_v1::PodSpec spec, const PodRuntime& runtime, std::string_view name) {
  std::optional<ContainerPlace> place = find_place(spec, name);
  if (!place || place->kind != ContainerKind::kInit) return true;
  if (!kinds::is_sidecar(container_at(spec, *place))) return true;
  for (core_v1::Container c : spec.containers()) {
    if (is_alive_in(runtime, c.name())) return false;
  }
  for (size_t i = place->index + 1; i < spec.init_containers().size(); ++i) {
    core_v1::Container later = spec.init_containers()[i];
    if (kinds::is_sidecar(later) && is_alive_in(runtime, later.name())) return false;
  }
  return true;
}

}  // namespace tiphys::kubelet
