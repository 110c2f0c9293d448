#include "kubelet/probes/prober.h"

#include "kinds/pods.h"

#include <algorithm>

namespace tiphys::kubelet {
namespace {

bool has_action(core_v1::Probe probe) {
  return probe.has_exec() || probe.has_http_get() || probe.has_tcp_socket() || probe.has_grpc();
}

int32_t at_least_one(int32_t value, int32_t fallback) { return value > 0 ? value : fallback; }

}  // namespace

Prober::Prober(HandlerHost host, std::map<std::string, ProbeState>& states,
               std::function<void()> changed, Record record)
    : host_(host),
      states_(states),
      changed_(std::move(changed)),
      record_(std::move(record)),
      gate_(host.loop) {}

Task<void> Prober::stop() {
  for (auto& [id, watched] : watched_) watched.stop.request_stop();
  co_await gate_.close();
}

void Prober::update(ObjectPtr pod, const PodRuntime& runtime) {
  core_v1::PodSpec spec = core_v1::Pod(*pod).spec();
  const SandboxRecord* sandbox = runtime.newest_sandbox();
  std::string ip = sandbox && !sandbox->ips.empty() ? sandbox->ips[0] : "";
  if (spec.host_network()) ip = core_v1::Pod(*pod).status().host_ip();
  if (spec.host_network() && ip.empty()) ip = "127.0.0.1";
  std::set<std::string> running;
  for (const ContainerRecord& c : runtime.containers) {
    if (c.state != ContainerState::kRunning) continue;
    running.insert(c.id);
    if (watched_.contains(c.id)) continue;
    for (core_v1::Container container : spec.containers()) {
      if (container.name() == c.name) watch_container(pod, container, c, ip);
    }
    for (core_v1::Container container : spec.init_containers()) {
      if (container.name() == c.name && kinds::is_sidecar(container))
        watch_container(pod, container, c, ip);
    }
  }
  for (auto at = watched_.begin(); at != watched_.end();) {
    if (running.contains(at->first)) {
      ++at;
      continue;
    }
    at->second.stop.request_stop();
    states_.erase(at->first);
    at = watched_.erase(at);
  }
}

void Prober::watch_container(ObjectPtr pod, core_v1::Container container,
                             const ContainerRecord& running, std::string ip) {
  StopToken stop = watched_[running.id].stop.token();
  HandlerTarget target{running.id, std::move(ip), pod, container};
  ProbeState& state = states_[running.id];
  state = ProbeState();
  state.started = !has_action(container.startup_probe());
  state.ready = !has_action(container.readiness_probe());
  if (!state.started) gate_.spawn(run(Kind::kStartup, target, container.startup_probe(), stop));
  if (has_action(container.liveness_probe())) {
    gate_.spawn(run(Kind::kLiveness, target, container.liveness_probe(), stop));
  }
  if (has_action(container.readiness_probe())) {
    gate_.spawn(run(Kind::kReadiness, target, container.readiness_probe(), stop));
  }
}

Task<void> Prober::run(Kind kind, HandlerTarget target, core_v1::Probe probe, StopToken stop) {
  Duration period = std::chrono::seconds(at_least_one(probe.period_seconds(), 10));
  Duration delay = std::chrono::seconds(std::max(probe.initial_delay_seconds(), 0));
  const char* word = kind == Kind::kStartup    ? "Startup"
                     : kind == Kind::kLiveness ? "Liveness"
                                               : "Readiness";
  int32_t streak = 0;
  bool last = false;
  bool going = true;
  if (delay > Duration::zero()) going = co_await sleep_for(host_.loop, delay, stop);
  while (going && !stop.stop_requested()) {
    // Liveness and readiness wait until the container has started.
    bool due = kind == Kind::kStartup || states_[target.container_id].started;
    if (due) {
      HandlerResult result = co_await run_probe_action(host_, target, probe, stop);
      if (stop.stop_requested()) co_return;
      if (!result.ok) {
        record_("Warning", "Unhealthy", std::string(word) + " probe failed: " + result.output,
                std::string(target.container.name()));
      }
      streak = result.ok == last ? streak + 1 : 1;
      last = result.ok;
      int32_t needed = result.ok ? at_least_one(probe.success_threshold(), 1)
                                 : at_least_one(probe.failure_threshold(), 3);
      if (streak >= needed) apply(kind, target, result.ok);
      if (kind == Kind::kStartup && states_[target.container_id].started) co_return;
    }
    Duration pause = due ? period : std::min<Duration>(period, std::chrono::milliseconds(250));
    going = co_await sleep_for(host_.loop, pause, stop);
  }
}

void Prober::apply(Kind kind, const HandlerTarget& target, bool ok) {
  ProbeState& state = states_[target.container_id];
  ProbeState before = state;
  if (kind == Kind::kReadiness) state.ready = ok;
  if (kind == Kind::kStartup && ok) state.started = true;
  if (kind != Kind::kReadiness && !ok) {
    state.alive = false;
    state.failed = kind == Kind::kStartup ? "startup" : "liveness";
  }
  bool changed =
      before.ready != state.ready || before.started != state.started || before.alive != state.alive;
  if (changed) changed_();
}

}  // namespace tiphys::kubelet
