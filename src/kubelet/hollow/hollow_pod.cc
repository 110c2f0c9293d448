#include "kubelet/hollow/hollow_pod.h"

#include <algorithm>

#include "base/strings.h"
#include "kinds/pods.h"
#include "kubelet/pods/status.h"

namespace tiphys::kubelet {
namespace {

constexpr std::string_view kImageId = "sha256:hollow";
constexpr int32_t kKilled = 137;
constexpr Duration kFirstBackOff = std::chrono::seconds(10);
constexpr Duration kLongestBackOff = std::chrono::minutes(5);
// Beyond it a container may as well run for ever.
constexpr Duration kLongestRun = std::chrono::hours(24 * 365);
constexpr int64_t kLongestGraceSeconds = 24 * 3600;

MicroTime after(MicroTime time, Duration delay) {
  return time + std::chrono::duration_cast<std::chrono::microseconds>(delay).count();
}
Duration until(MicroTime then, MicroTime now) { return std::chrono::microseconds(then - now); }

// The crash-loop back-off of the kubelet: 10 s, doubled to 5 min.
Duration back_off(uint32_t restarts) {
  return std::min(kFirstBackOff * (1 << std::min(restarts, 6U)), kLongestBackOff);
}

core_v1::ContainerStatus find_status(ListView<core_v1::ContainerStatus> list,
                                     std::string_view name) {
  for (core_v1::ContainerStatus status : list) {
    if (status.name() == name) return status;
  }
  return {};
}

void sooner(std::optional<Duration>& soonest, std::optional<Duration> delay) {
  if (delay && (!soonest || *delay < *soonest)) soonest = delay;
}

// Why a container with this name is not running, as the kubelet says it.
Why missing_image(core_v1::Container container) {
  return {"ErrImageNeverPull", "Container image \"" + std::string(container.image()) +
                                   "\" is not present with pull policy of Never"};
}
Why crash_loop(core_v1::Pod pod, core_v1::Container container, uint32_t restarts) {
  return {"CrashLoopBackOff", "back-off " + format_go_duration(back_off(restarts)) +
                                  " restarting failed container=" + std::string(container.name()) +
                                  " pod=" + pod_label(pod)};
}

}  // namespace

HollowRun annotated_run(core_v1::Pod pod, core_v1::Container container, bool init) {
  HollowRun run;
  if (init) {
    if (!kinds::is_sidecar(container)) run.runs_for = Duration::zero();
    return run;
  }
  auto annotations = pod.metadata().annotations();
  if (!annotations.contains(kHollowRunsFor)) return run;
  Result<Duration> time = parse_go_duration(annotations.find(kHollowRunsFor));
  if (!time) return run;
  run.runs_for = std::max(*time, Duration::zero());
  std::optional<int64_t> code = parse_int(annotations.find(kHollowExitCode));
  if (code && *code >= 0 && *code <= 255) run.exit_code = static_cast<int32_t>(*code);
  return run;
}

HollowPod::Container HollowPod::adopted(core_v1::ContainerStatus status) {
  Container out;
  out.restarts = static_cast<uint32_t>(std::max(status.restart_count(), 0));
  core_v1::ContainerState state = status.state();
  core_v1::ContainerState last = status.last_state();
  auto run_of = [](core_v1::ContainerStateTerminated ended) {
    MicroTime finished = std::max<MicroTime>(ended.finished_at(), 1);
    return Run{std::max<MicroTime>(ended.started_at(), 1), finished, ended.exit_code()};
  };
  if (state.has_running()) {
    out.now.started = std::max<MicroTime>(state.running().started_at(), 1);
    if (last.has_terminated()) out.before = run_of(last.terminated());
  } else if (state.has_terminated()) {
    out.now = run_of(state.terminated());
  } else if (last.has_terminated()) {
    out.now = run_of(last.terminated());
  }
  return out;
}

HollowPod::HollowPod(core_v1::Pod pod) {
  core_v1::PodStatus status = pod.status();
  for (core_v1::Container c : pod.spec().init_containers()) {
    init_.push_back(adopted(find_status(status.init_container_statuses(), c.name())));
  }
  for (core_v1::Container c : pod.spec().containers()) {
    containers_.push_back(adopted(find_status(status.container_statuses(), c.name())));
  }
}

std::optional<Duration> HollowPod::advance_one(const HollowRun& run, std::string_view policy,
                                               Container& c, MicroTime now) {
  bool image_came = c.missing && !run.image_missing;
  c.missing = run.image_missing;
  c.unready = run.unready;
  if (c.missing && c.now.started != 0 && c.now.finished == 0) {  // another image than it runs
    c.now.finished = now;
    c.now.exit_code = kKilled;
  }
  if (c.done || c.missing) return std::nullopt;
  if (c.now.started == 0) c.now.started = now;
  if (c.now.finished != 0) {
    c.done = policy == "Never" || (policy == "OnFailure" && c.now.exit_code == 0);
    if (c.done) return std::nullopt;
    MicroTime again = image_came ? now : after(c.now.finished, back_off(c.restarts));
    if (now < again) return until(again, now);
    ++c.restarts;
    c.before = c.now;
    c.now = Run{.started = now};
  }
  if (!run.runs_for || *run.runs_for > kLongestRun) return std::nullopt;
  MicroTime end = after(c.now.started, *run.runs_for);
  if (now < end) return until(end, now);
  c.now.finished = end;
  c.now.exit_code = run.exit_code;
  c.done = policy == "Never" || (policy == "OnFailure" && run.exit_code == 0);
  return c.done ? std::nullopt : std::optional(until(after(end, back_off(c.restarts)), now));
}

std::optional<Duration> HollowPod::advance(core_v1::Pod pod, const HollowBehaviour& behaviour,
                                           MicroTime now) {
  std::optional<Duration> soonest;
  std::string_view policy = pod.spec().restart_policy();
  size_t i = 0;
  for (core_v1::Container container : pod.spec().init_containers()) {
    if (i >= init_.size()) break;
    Container& c = init_[i++];
    bool sidecar = kinds::is_sidecar(container);
    sooner(soonest,
           advance_one(behaviour(pod, container, true), sidecar ? "Always" : policy, c, now));
    bool passed =
        sidecar ? c.now.started != 0 && !c.missing : c.now.finished != 0 && c.now.exit_code == 0;
    if (!passed) return soonest;
    if (sidecar) continue;
    c.done = true;
  }
  i = 0;
  for (core_v1::Container container : pod.spec().containers()) {
    if (i >= containers_.size()) break;
    sooner(soonest, advance_one(behaviour(pod, container, false), policy, containers_[i++], now));
  }
  return soonest;
}

std::optional<Duration> HollowPod::end(core_v1::Pod pod, Duration stop_after, MicroTime now) {
  if (ending_ == 0) ending_ = now;
  int64_t grace = pod.metadata().deletion_grace_period_seconds();
  Duration longest = std::chrono::seconds(std::clamp<int64_t>(grace, 0, kLongestGraceSeconds));
  MicroTime over = after(ending_, std::min(stop_after, longest));
  if (now < over) return until(over, now);
  for (auto* list : {&init_, &containers_}) {
    for (Container& c : *list) {
      c.done = true;
      if (c.now.started == 0 || c.now.finished != 0) continue;
      c.now.finished = now;
      c.now.exit_code = kKilled;
    }
  }
  return std::nullopt;
}

PodRuntime HollowPod::runtime(core_v1::Pod pod, bool killed) const {
  PodRuntime out;
  std::string uid(pod.metadata().uid());
  out.sandboxes.push_back({.id = uid, .ready = !killed, .ips = ips_});
  auto add = [&](core_v1::Container container, const Run& run, uint32_t attempt) {
    if (run.started == 0) return;
    ContainerRecord& record = out.containers.emplace_back();
    record.id = uid + "-" + std::string(container.name()) + "-" + std::to_string(attempt);
    record.name = container.name();
    record.attempt = attempt;
    record.state = run.finished == 0 ? ContainerState::kRunning : ContainerState::kExited;
    record.started = run.started;
    record.finished = run.finished;
    record.exit_code = run.exit_code;
    record.image_id = kImageId;
  };
  auto add_all = [&](ListView<core_v1::Container> specs, const std::vector<Container>& list) {
    for (size_t i = 0; i < std::min(specs.size(), list.size()); ++i) {
      add(specs[i], list[i].now, list[i].restarts);
      if (list[i].restarts > 0) add(specs[i], list[i].before, list[i].restarts - 1);
    }
  };
  add_all(pod.spec().init_containers(), init_);
  add_all(pod.spec().containers(), containers_);
  return out;
}

ObjectPtr HollowPod::with_status(const Object& object, const std::string& host_ip, bool killed,
                                 MicroTime now) const {
  core_v1::Pod pod(object);
  PodRuntime state = runtime(pod, killed);
  std::map<std::string, ProbeState> probes;
  std::map<std::string, Why> waiting;
  auto note = [&](ListView<core_v1::Container> specs, const std::vector<Container>& list) {
    for (size_t i = 0; i < std::min(specs.size(), list.size()); ++i) {
      const Container& c = list[i];
      std::string name(specs[i].name());
      if (c.now.finished != 0 && !c.done) waiting[name] = crash_loop(pod, specs[i], c.restarts);
      if (c.missing) waiting[name] = missing_image(specs[i]);
      if (!c.unready) continue;
      const ContainerRecord* record = state.newest(name);
      if (record != nullptr) probes[record->id].ready = false;
    }
  };
  note(pod.spec().init_containers(), init_);
  note(pod.spec().containers(), containers_);
  StatusInput input{.pod = pod, .runtime = &state, .probes = &probes, .waiting = &waiting};
  input.host_ips = {host_ip};
  input.now = now;
  input.killed = killed;
  return make_status(input, object);
}

}  // namespace tiphys::kubelet
