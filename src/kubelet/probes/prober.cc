#include "kubelet/probes/prober.h"

#include <algorithm>

#include "base/strings.h"
#include "base/time_math.h"
#include "kinds/pods.h"
#include "kubelet/pods/container_status.h"
#include "kubelet/probes/probe_streak.h"

namespace tiphys::kubelet {
namespace {

constexpr int kAttempts = 3;  // of a probe that can't be carried out

bool has_action(core_v1::Probe probe) {
  return probe.has_exec() || probe.has_http_get() || probe.has_tcp_socket() || probe.has_grpc();
}

std::string pod_address(const ObjectPtr& pod, const PodRuntime& runtime) {
  core_v1::Pod of(*pod);
  const SandboxRecord* sandbox = runtime.newest_sandbox();
  if (!of.spec().host_network()) return sandbox && !sandbox->ips.empty() ? sandbox->ips[0] : "";
  return of.status().host_ip().empty() ? "127.0.0.1" : std::string(of.status().host_ip());
}

// What the API knows of this very container: it ran before this process did (KEP-4781).
core_v1::ContainerStatus known_status(core_v1::Pod pod, const ContainerRecord& running) {
  for (const auto& list :
       {pod.status().container_statuses(), pod.status().init_container_statuses()}) {
    core_v1::ContainerStatus one = find_status(list, running.name);
    if (one.container_id().ends_with("//" + running.id) && one.state().has_running()) return one;
  }
  return {};
}

}  // namespace

Prober::Prober(HandlerHost host, std::map<std::string, ProbeState>& states,
               std::function<void()> changed, Record record)
    : host_(host),
      states_(states),
      changed_(std::move(changed)),
      record_(std::move(record)),
      gate_(host.loop) {}

void Prober::Watched::end() {
  stop.request_stop();
  health.request_stop();
}

Task<void> Prober::stop() {
  for (auto& [id, watched] : watched_) watched.end();
  co_await gate_.close();
}

void Prober::update(ObjectPtr pod, const PodRuntime& runtime, const std::set<std::string>& starting,
                    bool ending) {
  core_v1::PodSpec spec = core_v1::Pod(*pod).spec();
  std::set<std::string> running;
  for (const ContainerRecord& c : runtime.containers) {
    if (c.state != ContainerState::kRunning) continue;
    running.insert(c.id);
    if (watched_.contains(c.id) || starting.contains(c.id)) continue;
    std::optional<ContainerPlace> place = find_place(spec, c.name);
    if (!place || place->kind == ContainerKind::kEphemeral) continue;
    core_v1::Container container = container_at(spec, *place);
    if (place->kind == ContainerKind::kInit && !kinds::is_sidecar(container)) continue;
    HandlerTarget target{c.id, pod_address(pod, runtime), pod, container};
    watch_container(std::move(target), c);
  }
  for (auto at = watched_.begin(); at != watched_.end();) {
    if (ending) at->second.health.request_stop();
    if (running.contains(at->first)) {
      ++at;
      continue;
    }
    at->second.end();
    states_.erase(at->first);
    at = watched_.erase(at);
  }
}

void Prober::watch_container(HandlerTarget target, const ContainerRecord& running) {
  core_v1::ContainerStatus known = known_status(core_v1::Pod(*target.pod), running);
  StopToken health = watched_[running.id].health.token();
  core_v1::Container container = target.container;
  ProbeState& state = states_[running.id];
  state = ProbeState();
  state.started = known.started() || !has_action(container.startup_probe());
  state.ready = known.ready() || !has_action(container.readiness_probe());
  if (state.started) {
    watch_started(std::move(target), running.started);
  } else {
    gate_.spawn(
        run(Kind::kStartup, std::move(target), container.startup_probe(), running.started, health));
  }
}

void Prober::watch_started(HandlerTarget target, MicroTime started) {
  auto watched = watched_.find(target.container_id);
  if (watched == watched_.end()) return;
  core_v1::Container container = target.container;
  if (has_action(container.liveness_probe())) {
    gate_.spawn(run(Kind::kLiveness, target, container.liveness_probe(), started,
                    watched->second.health.token()));
  }
  if (has_action(container.readiness_probe())) {
    gate_.spawn(run(Kind::kReadiness, target, container.readiness_probe(), started,
                    watched->second.stop.token()));
  }
}

Task<void> Prober::run(Kind kind, HandlerTarget target, core_v1::Probe probe, MicroTime started,
                       StopToken stop) {
  Duration period = std::chrono::seconds(probe.period_seconds() > 0 ? probe.period_seconds() : 10);
  MicroTime begin = seconds_after(started, std::max(probe.initial_delay_seconds(), 0));
  Duration delay = std::min<Duration>(time_between(host_.loop.wall(), begin),
                                      bounded_seconds(probe.initial_delay_seconds()));
  ProbeStreak streak(probe);
  bool going = !stop.stop_requested();
  if (delay > Duration::zero()) going = co_await sleep_for(host_.loop, delay, stop);
  while (going) {
    HandlerResult result = co_await probe_once(kind, target, probe, stop);
    if (stop.stop_requested()) co_return;
    // One that can't be carried out says nothing of the container.
    std::optional<bool> verdict;
    if (result.outcome != HandlerOutcome::kError) verdict = streak.add(result.ok());
    if (verdict) apply(kind, target, *verdict);
    if (verdict && kind == Kind::kStartup && *verdict) {
      watch_started(std::move(target), started);
      co_return;
    }
    // Failed for good: the container is on its way out.
    if (verdict && !*verdict && kind != Kind::kReadiness) co_return;
    going = co_await sleep_for(host_.loop, period, stop);
  }
}

Task<HandlerResult> Prober::probe_once(Kind kind, HandlerTarget target, core_v1::Probe probe,
                                       StopToken stop) {
  HandlerResult result;
  MonoTime begin = host_.loop.mono();
  for (int i = 0; i < kAttempts && !stop.stop_requested(); ++i) {
    result = co_await run_probe_action(host_, target, probe, stop);
    if (result.outcome != HandlerOutcome::kError) break;
  }
  if (stop.stop_requested()) co_return result;
  std::string word = kind == Kind::kStartup    ? "Startup"
                     : kind == Kind::kLiveness ? "Liveness"
                                               : "Readiness";
  count(word, target, result.outcome, host_.loop.mono() - begin);
  std::string name(target.container.name());
  if (result.outcome == HandlerOutcome::kError) {
    record_("Warning", "Unhealthy",
            word + " probe errored and resulted in unknown state: " + result.output, name);
  } else if (result.outcome == HandlerOutcome::kFailure) {
    record_("Warning", "Unhealthy", word + " probe failed: " + result.output, name);
  } else if (result.outcome == HandlerOutcome::kWarning) {
    record_("Warning", "ProbeWarning", word + " probe warning: " + result.output, name);
  }
  co_return result;
}

void Prober::count(std::string_view type, const HandlerTarget& target, HandlerOutcome outcome,
                   Duration took) {
  if (!host_.metrics) return;
  meta_v1::ObjectMeta pod = core_v1::Pod(*target.pod).metadata();
  std::string_view result = outcome == HandlerOutcome::kError     ? "unknown"
                            : outcome == HandlerOutcome::kFailure ? "failed"
                                                                  : "successful";
  host_.metrics->probe({.type = type,
                        .result = result,
                        .container = target.container.name(),
                        .pod = pod.name(),
                        .ns = pod.namespace_(),
                        .uid = pod.uid()},
                       took);
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
