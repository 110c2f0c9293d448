#include <algorithm>

#include "base/log.h"
#include "base/time_math.h"
#include "kinds/pods.h"
#include "kubelet/pods/preemption.h"
#include "kubelet/pods/resources.h"
#include "kubelet/pods/worker.h"
#include "kubelet/probes/handler.h"
#include "os/files.h"

namespace tiphys::kubelet {
namespace {

constexpr MicroTime kRetry = kMicrosPerSecond;
constexpr int64_t kEvictionGrace = 1;
constexpr int64_t kMinimumGrace = 2;  // seconds; upstream's, whatever hooks used up

int64_t spec_grace(core_v1::PodSpec spec) {
  return spec.has_termination_grace_period_seconds() ? spec.termination_grace_period_seconds() : 30;
}

// Nothing of it stays here but what the API shows.
bool had_to_go(core_v1::PodStatus status) {
  return status.reason() == "Evicted" || status.reason() == kPreempting;
}

}  // namespace

int64_t PodWorker::grace_seconds() const {
  meta_v1::ObjectMeta meta = view().metadata();
  if (deleted_) return 1;
  if (evicted_) return kEvictionGrace;
  if (meta.has_deletion_grace_period_seconds()) return meta.deletion_grace_period_seconds();
  return spec_grace(view().spec());
}

// Every container that runs ends; the order among them is run_kill's.
void PodWorker::kill_all() {
  std::vector<ContainerRecord> containers = state_.containers;
  for (const ContainerRecord& c : containers) {
    if (is_alive(c)) kill({c.id, c.name, grace_seconds(), true}, "Stopping container " + c.name);
  }
}

// Being deleted: containers end, everything is removed, then the API forgets the pod.
Task<void> PodWorker::sync_terminating() {
  bool running = state_.any_running();
  kill_all();
  if (running) {
    bool sent = co_await publish(false);
    if (!sent) wake_for_api();
    co_return;
  }
  if (!pulling_.empty()) {
    wake_at(node_.loop.wall() + kRetry);  // a pull's events still name the pod; it ends by itself
  }
  bool stopped = co_await stop_sandboxes();
  if (stopped && !deleted_) (void)co_await publish(true);
  bool removed = false;
  if (stopped) removed = co_await remove_everything();
  if (!removed) {
    wake_at(node_.loop.wall() + kRetry);
    co_return;
  }
  if (!deleted_) co_await delete_from_api();
  if (deleted_ && killing_.empty() && pulling_.empty()) finished_ = true;
}

// Evicted and removed from the runtime: only the API knows how it ended.
bool PodWorker::is_emptied() const {
  core_v1::PodStatus status = view().status();
  return kinds::is_terminal(status.phase()) && had_to_go(status) && state_.containers.empty() &&
         state_.sandboxes.empty();
}

// Ended by itself or refused: nothing runs, its containers stay for their logs and states.
Task<void> PodWorker::sync_terminal() {
  bool running = state_.any_running();
  kill_all();
  bool stopped = !running;
  if (stopped) stopped = co_await stop_sandboxes();
  bool sent = true;
  if (!is_emptied()) sent = co_await publish(stopped);
  bool released = released_;
  if (stopped && !released_) released = co_await release_node_resources();
  // What an evicted pod took of the node comes back.
  bool evicted = had_to_go(view().status());
  if (stopped && sent && evicted && released) released = co_await remove_from_runtime();
  if (!sent) wake_for_api();
  if ((!stopped && !running) || (stopped && !released)) wake_at(node_.loop.wall() + kRetry);
}

void PodWorker::kill(KillOrder order, const std::string& message) {
  MicroTime end = seconds_after(node_.loop.wall(), order.grace);
  auto running = killing_.find(order.id);
  if (running != killing_.end() && running->second <= end) return;
  order.hook = running == killing_.end();
  killing_[order.id] = end;
  if (order.hook) {
    record("Normal", "Killing", message, container_field_path(view().spec(), order.name));
  }
  gate_.spawn(run_kill(std::move(order)));
}

// Hook and turn are within the grace period; what they leave of it is the container's.
Task<void> PodWorker::run_kill(KillOrder order) {
  MonoTime start = node_.loop.mono();
  if (order.hook && order.grace > 0) co_await run_pre_stop(order);
  Duration rest = bounded_seconds(order.grace) - (node_.loop.mono() - start);
  if (order.ordered) co_await wait_for_turn(order.name, rest);
  if (stop_.stop_requested()) co_return;
  int64_t used = (node_.loop.mono() - start) / std::chrono::seconds(1);
  Result<void> stopped =
      co_await node_.runtime.stop_container(order.id, std::max(order.grace - used, kMinimumGrace));
  if (!stopped) {
    LOG_WARNING("Container can't be stopped", {"container", order.name}, {"err", stopped.error()});
    wake_at(node_.loop.wall() + kRetry);
  }
  killing_.erase(order.id);
  wake();
}

Task<void> PodWorker::run_pre_stop(KillOrder order) {
  ObjectPtr pod = pod_;
  core_v1::Container container = find_container(core_v1::Pod(*pod).spec(), order.name);
  if (!container.lifecycle().has_pre_stop()) co_return;
  HandlerTarget target{order.id, pod_address(), pod, container};
  HandlerHost host{node_.loop, node_.pool, node_.runtime};
  HandlerResult result = co_await run_hook(host, target, container.lifecycle().pre_stop(),
                                           bounded_seconds(order.grace), stop_.token());
  if (result.ok() || stop_.stop_requested()) co_return;
  record("Warning", "FailedPreStopHook", "PreStopHook failed",
         container_field_path(core_v1::Pod(*pod).spec(), order.name));
}

Task<void> PodWorker::wait_for_turn(std::string name, Duration limit) {
  MonoTime end = node_.loop.mono() + limit;
  while (!may_stop(view().spec(), state_, name) && !stop_.stop_requested()) {
    Duration left = end - node_.loop.mono();
    if (left <= Duration::zero()) co_return;
    (void)co_await turn_.wait(stop_.token(), left);
  }
}

Task<bool> PodWorker::stop_sandboxes() {
  std::vector<SandboxRecord> sandboxes = state_.sandboxes;
  for (const SandboxRecord& sandbox : sandboxes) {
    if (!sandbox.ready) continue;
    Result<void> stopped = co_await node_.runtime.stop_sandbox(sandbox.id);
    if (!stopped) {
      record("Warning", "FailedKillPod", "error killing pod: " + stopped.error().message());
      co_return false;
    }
  }
  co_return true;
}

// Its containers, their logs, and its sandboxes. False: not all.
Task<bool> PodWorker::remove_from_runtime() {
  std::vector<ContainerRecord> containers = state_.containers;
  std::vector<SandboxRecord> sandboxes = state_.sandboxes;
  for (const ContainerRecord& c : containers) {
    Result<void> removed = co_await node_.runtime.remove_container(c.id);
    if (!removed) co_return false;
  }
  for (const SandboxRecord& sandbox : sandboxes) {
    Result<void> stopped = co_await node_.runtime.stop_sandbox(sandbox.id);
    if (!stopped) co_return false;
    Result<void> removed = co_await node_.runtime.remove_sandbox(sandbox.id);
    if (!removed) co_return false;
  }
  std::string logs = node_.options.pod_logs_dir + "/" + pod_log_folder(view());
  Result<void> gone =
      co_await run_blocking(node_.loop, node_.pool, [logs] { return os::remove_tree(logs); });
  co_return gone.has_value();
}

Task<bool> PodWorker::remove_everything() {
  bool removed = co_await remove_from_runtime();
  if (!removed) co_return false;
  bool released = co_await release_node_resources();
  if (released) node_.puller.forget_pod(uid());
  co_return released;
}

Task<bool> PodWorker::release_node_resources() {
  bool down = co_await volumes_->tear_down(stop_.token());
  if (!down) co_return false;
  std::string cgroup = pod_cgroup(node_.options.cgroup_root, view());
  std::optional<os::Cgroups> groups = node_.cgroups;
  Result<void> done = co_await run_blocking(node_.loop, node_.pool, [cgroup, groups] {
    Result<void> removed = groups ? groups->remove(cgroup) : Result<void>();
    // Whose runtime died while it started them: runc's first process waits for a word for ever.
    if (!removed) groups->kill_all(cgroup);
    return removed;
  });
  if (!done) {
    LOG_WARNING("Can't remove a pod's cgroup", {"pod", pod_label(view())}, {"err", done.error()});
    co_return false;
  }
  released_ = true;
  co_return true;
}

Task<void> PodWorker::delete_from_api() {
  if (static_) {  // its mirror goes when this worker is gone
    deleted_ = true;
    co_return;
  }
  client::DeleteOptions options;
  options.grace_period_seconds = 0;
  options.uid = uid();
  Result<ObjectPtr> gone = co_await node_.client.remove(
      *schema::find_resource("", "v1", "pods"), std::string(view().metadata().namespace_()),
      std::string(view().metadata().name()), options);
  // Conflict: another pod has the name by now.
  if (gone || gone.error().is_not_found() || gone.error().is_conflict()) {
    // With finalizers it stays in the API; this node is done with it either way.
    deleted_ = true;
    co_return;
  }
  ++api_failures_;
  wake_for_api();
}

}  // namespace tiphys::kubelet
