#include "tests/control/model_pod.h"

#include <algorithm>

#include "tests/control/model_command.h"

namespace tiphys::control {
namespace {

constexpr std::string_view kIndexLabel = "batch.kubernetes.io/job-completion-index";
constexpr std::string_view kImageId = "sha256:model";
constexpr int kKilled = 137;
constexpr Duration kFirstBackOff = std::chrono::seconds(10);
constexpr Duration kLongestBackOff = std::chrono::minutes(5);

MicroTime after(MicroTime time, Duration delay) {
  return time + std::chrono::duration_cast<std::chrono::microseconds>(delay).count();
}
Duration until(MicroTime then, MicroTime now) { return std::chrono::microseconds(then - now); }

// The crash-loop back-off of the kubelet: 10 s, doubled to 5 min.
Duration back_off(int restarts) {
  return std::min(kFirstBackOff * (1 << std::min(restarts, 6)), kLongestBackOff);
}

bool probe_fails(core_v1::Container container) {
  for (std::string_view word : container.readiness_probe().exec().command()) {
    return word == "false";
  }
  return false;
}

void put_condition(core_v1::PodStatusEdit status, std::string_view type, bool value,
                   std::string_view reason, MicroTime now) {
  auto conditions = status.edit_conditions();
  size_t at = 0;
  while (at < conditions.size() && conditions[at].view().type() != type) ++at;
  core_v1::PodConditionEdit condition =
      at < conditions.size() ? conditions[at] : conditions.append();
  std::string_view text = value ? "True" : "False";
  if (condition.view().status() != text) condition.set_last_transition_time(now);
  condition.set_type(type);
  condition.set_status(text);
  condition.set_reason(value ? "" : reason);
}

}  // namespace

std::optional<Duration> ModelPod::advance_one(core_v1::Pod pod, core_v1::Container container,
                                              Container& model, MicroTime now) {
  model.missing = container.image().starts_with("missing");
  if (model.done || model.missing) return std::nullopt;
  auto command = model_command(container, pod.metadata().labels().find(kIndexLabel));
  if (model.started == 0) model.started = now;
  if (model.finished != 0) {
    MicroTime again = after(model.finished, back_off(model.restarts));
    if (now < again) return until(again, now);
    ++model.restarts;
    model.started = now;
    model.finished = 0;
  }
  if (command && !command->runs_for) return std::nullopt;
  MicroTime end = command ? after(model.started, *command->runs_for) : now;
  if (now < end) return until(end, now);
  model.finished = end;
  model.exit_code = command ? command->exit_code : 127;
  std::string_view policy = pod.spec().restart_policy();
  model.done = policy == "Never" || (policy == "OnFailure" && model.exit_code == 0);
  return model.done ? std::nullopt
                    : std::optional(until(after(end, back_off(model.restarts)), now));
}

std::optional<Duration> ModelPod::advance(core_v1::Pod pod, MicroTime now) {
  if (started_ == 0) started_ = now;
  std::optional<Duration> soonest;
  auto sooner = [&](std::optional<Duration> delay) {
    if (delay && (!soonest || *delay < *soonest)) soonest = delay;
  };
  for (core_v1::Container container : pod.spec().init_containers()) {
    Container& model = init_[std::string(container.name())];
    sooner(advance_one(pod, container, model, now));
    bool passed = model.finished != 0 && model.exit_code == 0;
    model.done = model.done || passed;
    if (!passed) return soonest;
  }
  for (core_v1::Container container : pod.spec().containers()) {
    sooner(advance_one(pod, container, containers_[std::string(container.name())], now));
  }
  return soonest;
}

void ModelPod::end(core_v1::Pod pod, MicroTime now) {
  for (core_v1::Container container : pod.spec().containers()) {
    Container& model = containers_[std::string(container.name())];
    model.done = true;
    if (model.finished != 0) continue;
    model.finished = now;
    model.exit_code = kKilled;
  }
}

std::string ModelPod::phase(core_v1::Pod pod) const {
  bool all_done = true;
  bool failed = false;
  bool started = false;
  for (const auto& [name, model] : init_) {
    if (model.done && model.exit_code != 0) return "Failed";
    if (model.finished == 0 || model.exit_code != 0) return "Pending";
  }
  for (const auto& [name, model] : containers_) {
    all_done = all_done && model.done;
    failed = failed || (model.done && model.exit_code != 0);
    started = started || (model.started != 0 && !model.missing);
  }
  if (all_done && !containers_.empty()) return failed ? "Failed" : "Succeeded";
  return started ? "Running" : "Pending";
}

bool ModelPod::is_ready(core_v1::Pod pod) const {
  for (core_v1::Container container : pod.spec().containers()) {
    auto found = containers_.find(container.name());
    if (found == containers_.end() || found->second.missing || found->second.finished != 0) {
      return false;
    }
    if (found->second.started == 0 || probe_fails(container)) return false;
  }
  return true;
}

void ModelPod::write_container(core_v1::ContainerStatusEdit status, core_v1::Container container,
                               const Container& model) const {
  status.set_name(container.name());
  status.set_image(container.image());
  status.set_image_id(model.missing ? "" : kImageId);
  status.set_restart_count(model.restarts);
  bool running = model.started != 0 && model.finished == 0 && !model.missing;
  status.set_ready(running && !probe_fails(container));
  status.set_started(running);
  if (running) {
    status.edit_state().edit_running().set_started_at(model.started);
  } else if (model.missing || model.started == 0) {
    status.edit_state().edit_waiting().set_reason(model.missing ? "ErrImageNeverPull"
                                                                : "PodInitializing");
  } else {
    auto ended = status.edit_state().edit_terminated();
    ended.set_exit_code(model.exit_code);
    ended.set_reason(model.exit_code == 0 ? "Completed" : "Error");
    ended.set_started_at(model.started);
    ended.set_finished_at(model.finished);
    ended.set_container_id("containerd://" + std::string(container.name()));
  }
}

void ModelPod::write_status(core_v1::PodEdit pod, MicroTime now) {
  core_v1::Pod view = pod.view();
  core_v1::PodStatusEdit status = pod.edit_status();
  std::string phase_now = phase(view);
  bool over = phase_now == "Failed" || phase_now == "Succeeded";
  bool ready = !over && is_ready(view);
  status.set_phase(phase_now);
  status.set_start_time(started_);
  status.set_host_ip("192.0.2.1");
  if (!over) {
    status.set_pod_ip(ip_);
    if (status.view().pod_ips().empty()) status.edit_pod_ips().append().set_ip(ip_);
  }
  bool initialized = phase_now != "Pending" || init_.empty();
  put_condition(status, "Initialized", initialized, "ContainersNotInitialized", now);
  std::string_view why = over ? "PodFailed" : "ContainersNotReady";
  if (phase_now == "Succeeded") why = "PodCompleted";
  put_condition(status, "ContainersReady", ready, why, now);
  put_condition(status, "Ready", ready, why, now);
  status.clear_container_statuses();
  for (core_v1::Container container : view.spec().containers()) {
    auto list = status.edit_container_statuses();
    write_container(list.append(), container, containers_[std::string(container.name())]);
  }
  if (view.spec().init_containers().empty()) return;
  status.clear_init_container_statuses();
  for (core_v1::Container container : view.spec().init_containers()) {
    auto list = status.edit_init_container_statuses();
    write_container(list.append(), container, init_[std::string(container.name())]);
  }
}

}  // namespace tiphys::control
