#include "kubelet/pods/plan.h"

#include <algorithm>

#include "kinds/pods.h"

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

  // A sandbox that ended takes its containers with it; they start over in a new one.
  void replace_sandbox(const SandboxRecord* sandbox) {
    if (sandbox && is_finished(in_.pod, *in_.runtime)) return;
    bool ran = !in_.runtime->containers.empty();
    if (sandbox && ran && spec_.restart_policy() == "Never") return;
    for (const ContainerRecord& c : in_.runtime->containers) {
      if (c.state != ContainerState::kRunning) continue;
      plan_.kills.push_back(
          {c.id, c.name, "Pod sandbox changed, it will be killed and re-created."});
    }
    if (sandbox) plan_.stop_sandboxes.push_back(sandbox->id);
    plan_.create_sandbox = true;
    plan_.sandbox_attempt = sandbox ? sandbox->attempt + 1 : 0;
  }

  uint32_t next_attempt(std::string_view name) const {
    const ContainerRecord* last = in_.runtime->newest(name);
    return last ? last->attempt + 1 : 0;
  }

  void start(bool init, size_t index, std::string_view name) {
    plan_.starts.push_back({init, index, next_attempt(name)});
  }

  void wake(MicroTime at) {
    if (!plan_.wake_at || at < *plan_.wake_at) plan_.wake_at = at;
  }

  // Starts a container again that ended, unless it has to wait.
  void restart(bool init, size_t index, core_v1::Container c, const ContainerRecord& last) {
    std::string key = back_off_key(in_.pod, c.name());
    MicroTime at = in_.back_off->allowed_at(key, last.finished, in_.now);
    if (at == 0) {
      start(init, index, c.name());
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

  // True if the running container has to go: it is killed, and started again once it ended.
  bool kill_if_needed(core_v1::Container c, const ContainerRecord& running) {
    auto hash = running.annotations.find(std::string(kHashAnnotation));
    std::string name(c.name());
    if (hash != running.annotations.end() && hash->second != container_hash(c)) {
      plan_.kills.push_back(
          {running.id, name, "Container " + name + " definition changed, will be restarted"});
      return true;
    }
    ProbeState state = probe(running.id);
    if (state.alive) return false;
    plan_.kills.push_back(
        {running.id, name,
         "Container " + name + " failed " + state.failed + " probe, will be restarted"});
    return true;
  }

  bool init_containers_done() {
    ListView<core_v1::Container> inits = spec_.init_containers();
    for (size_t i = 0; i < inits.size(); ++i) {
      bool done = kinds::is_sidecar(inits[i]) ? sidecar_done(i, inits[i]) : init_done(i, inits[i]);
      if (!done) return false;
    }
    return true;
  }

  bool init_done(size_t index, core_v1::Container c) {
    if (initialized_) return true;
    const ContainerRecord* last = in_.runtime->newest(c.name(), sandbox_);
    if (!last) {
      start(true, index, c.name());
      return false;
    }
    if (last->state == ContainerState::kExited && last->exit_code == 0) return true;
    if (last->state == ContainerState::kExited || last->state == ContainerState::kUnknown) {
      if (spec_.restart_policy() == "Never") {
        plan_.init_failed = true;
      } else {
        restart(true, index, c, *last);
      }
    } else if (last->state == ContainerState::kCreated) {
      restart_created(true, index, c, *last);
    } else {
      (void)kill_if_needed(c, *last);
    }
    return false;
  }

  bool sidecar_done(size_t index, core_v1::Container c) {
    const ContainerRecord* last = in_.runtime->newest(c.name(), sandbox_);
    if (!last) {
      start(true, index, c.name());
      return initialized_;
    }
    if (last->state == ContainerState::kRunning) {
      if (kill_if_needed(c, *last)) return initialized_;
      return initialized_ || probe(last->id).started;
    }
    restart(true, index, c, *last);
    return initialized_;
  }

  // Created but never started (a crash of ours in between, or a failed start).
  void restart_created(bool init, size_t index, core_v1::Container c, const ContainerRecord& last) {
    ContainerRecord ended = last;
    ended.finished = last.created;
    restart(init, index, c, ended);
  }

  void main_containers() {
    ListView<core_v1::Container> all = spec_.containers();
    for (size_t i = 0; i < all.size(); ++i) main_container(i, all[i]);
  }

  void main_container(size_t index, core_v1::Container c) {
    const ContainerRecord* last = in_.runtime->newest(c.name(), sandbox_);
    if (!last) {
      start(false, index, c.name());
    } else if (last->state == ContainerState::kRunning) {
      (void)kill_if_needed(c, *last);
    } else if (last->state == ContainerState::kCreated) {
      restart_created(false, index, c, *last);
    } else if (restarts(spec_.restart_policy(), c, last->exit_code)) {
      restart(false, index, c, *last);
    }
  }

  const PlanInput& in_;
  core_v1::PodSpec spec_;
  std::string sandbox_;
  bool initialized_ = false;
  PodPlan plan_;
};

}  // namespace

PodPlan plan_pod(const PlanInput& input) { return Planner(input).run(); }

bool restarts(std::string_view policy, core_v1::Container container, int32_t exit_code) {
  if (!container.restart_policy().empty()) policy = container.restart_policy();
  if (policy == "Never") return false;
  return policy != "OnFailure" || exit_code != 0;
}

std::string back_off_key(core_v1::Pod pod, std::string_view container) {
  return std::string(pod.metadata().uid()) + "/" + std::string(container);
}

bool is_finished(core_v1::Pod pod, const PodRuntime& runtime) {
  core_v1::PodSpec spec = pod.spec();
  bool main_started = false;
  bool all_ended = !spec.containers().empty();
  for (core_v1::Container c : spec.containers()) {
    const ContainerRecord* last = runtime.newest(c.name());
    if (last) main_started = true;
    if (!last || last->state != ContainerState::kExited ||
        restarts(spec.restart_policy(), c, last->exit_code)) {
      all_ended = false;
    }
  }
  if (all_ended) return true;
  if (main_started || spec.restart_policy() != "Never") return false;
  for (core_v1::Container c : spec.init_containers()) {
    const ContainerRecord* last = runtime.newest(c.name());
    if (!kinds::is_sidecar(c) && last && last->state == ContainerState::kExited &&
        last->exit_code != 0) {
      return true;
    }
  }
  return false;
}

}  // namespace tiphys::kubelet
