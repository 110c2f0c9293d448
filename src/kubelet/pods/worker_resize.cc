#include <algorithm>

#include "base/log.h"
#include "kinds/pods.h"
#include "kubelet/pods/configs.h"
#include "kubelet/pods/worker.h"

namespace tiphys::kubelet {
namespace {

constexpr MicroTime kResizeRetry = 10 * kMicrosPerSecond;
constexpr std::string_view kPending = "PodResizePending";
constexpr std::string_view kInProgress = "PodResizeInProgress";
constexpr std::string_view kError = "Error";

// What a container has while only one of its two resources has been changed.
Amounts mixed(const ContainerResize& one, bool memory) {
  if (!memory) return one.to;  // comes last
  Amounts out = one.from;
  auto take = [](const auto& from, auto& into) {
    auto found = from.find("memory");
    into.erase("memory");
    if (found != from.end()) into.emplace("memory", found->second);
  };
  take(one.to.requests, out.requests);
  take(one.to.limits, out.limits);
  return out;
}

}  // namespace

ObjectPtr PodWorker::allocated_pod() const {
  const Allocation* allocation = node_.allocations.find(uid());
  return allocation ? with_allocation(pod_, *allocation) : pod_;
}

// What a pod is promised that starts here; of one that runs already, what it has.
void PodWorker::take_allocation() {
  core_v1::PodCondition old = kinds::find_condition(view().status(), kInProgress);
  if (!old.type().empty()) {
    progress_ = Why{std::string(old.reason()), std::string(old.message())};
    progress_generation_ = old.observed_generation();
  }
  if (node_.allocations.find(uid())) return;
  bool runs = !state_.sandboxes.empty();
  node_.allocations.set(uid(), runs ? shown_allocation(view()) : wanted_allocation(view().spec()));
}

// Promises what the pod wants by now, if the node can give it.
void PodWorker::allocate() {
  const Allocation* has = node_.allocations.find(uid());
  Allocation wanted = wanted_allocation(view().spec());
  if (!has || same_allocation(*has, wanted)) {
    pending_.reset();
    return;
  }
  std::optional<Why> why = node_.judge_resize(*pod_);
  if (!why) {
    node_.allocations.set(uid(), std::move(wanted));
    pending_.reset();
    progress_ = Why{};
    progress_generation_ = generation();
    record("Normal", "ResizeStarted",
           "Pod resize started: " + resize_summary(view(), generation(), ""));
    node_.room_made();
    return;
  }
  core_v1::PodCondition old = kinds::find_condition(view().status(), kPending);
  bool news = old.reason() != why->reason || old.message() != why->message ||
              old.observed_generation() != generation();
  pending_ = why;
  if (!news) return;
  record("Warning", "Resize" + why->reason,
         "Pod resize " + why->reason + ": " + resize_summary(view(), generation(), why->message));
}

// The limits of the pod's group for what its containers have.
os::CgroupLimits PodWorker::actuated_limits() const {
  ObjectPtr pod = allocated_pod();
  const Allocation* actuated = node_.actuated.find(uid());
  if (actuated && state_.any_running()) pod = with_allocation(pod, *actuated);
  return pod_limits(core_v1::Pod(*pod).spec(), node_.limits);
}

// Brings the pod's group and its running containers to what the pod was promised.
Task<void> PodWorker::resize() {
  Result<void> kept = co_await node_.allocations.written();
  if (!kept) {  // nobody would know of it after a crash
    LOG_WARNING("Can't keep a pod's allocation", {"err", kept.error()});
    co_return;
  }
  ObjectPtr pod = allocated_pod();
  const Allocation* actuated = node_.actuated.find(uid());
  ResizePlan plan = plan_resize(core_v1::Pod(*pod), state_, actuated ? *actuated : Allocation());
  os::CgroupLimits wanted = pod_limits(core_v1::Pod(*pod).spec(), node_.limits);
  if (plan.empty() && (!node_.cgroups || wanted == group_limits_)) {
    finish_resize();
    co_return;
  }
  bool restarts = !plan.restarts.empty();  // their ends wake this worker
  std::string error = co_await actuate(pod, std::move(plan));
  co_await keep_actuated();
  co_await node_.update_tiers();
  if (error.empty()) {
    if (!restarts) wake();
    co_return;
  }
  note_error(error);
  (void)co_await publish(false);
  wake_at(node_.loop.wall() + kResizeRetry);
}

// If it gets lost, containers are given what they have once more.
Task<void> PodWorker::keep_actuated() {
  Result<void> kept = co_await node_.actuated.written();
  if (!kept) LOG_WARNING("Can't keep what containers were given", {"err", kept.error()});
}

void PodWorker::finish_resize() {
  if (!progress_) return;
  ObjectPtr pod = allocated_pod();
  record("Normal", "ResizeCompleted",
         "Pod resize completed: " + resize_summary(core_v1::Pod(*pod), progress_generation_, ""));
  progress_.reset();
  wake();
}

// The numbers in the message change from try to try: one event is enough.
void PodWorker::note_error(const std::string& message) {
  bool again = progress_ && progress_->reason == kError;
  if (!progress_) progress_generation_ = generation();
  progress_ = Why{std::string(kError), message};
  if (again) return;
  ObjectPtr pod = allocated_pod();
  record("Warning", "ResizeError",
         "Pod resize error: " + resize_summary(core_v1::Pod(*pod), progress_generation_, message));
}

// Memory first, then CPU; each: the group grows, containers change, the group shrinks. What is to
// be restarted gets its new resources when it starts. Returns what went wrong, or "".
Task<std::string> PodWorker::actuate(ObjectPtr pod, ResizePlan plan) {
  os::CgroupLimits wanted = pod_limits(core_v1::Pod(*pod).spec(), node_.limits);
  std::string error = co_await check_memory(plan, wanted);
  for (bool memory : {true, false}) {
    if (!error.empty()) break;
    GroupChange change =
        memory ? memory_change(group_limits_, wanted) : cpu_change(group_limits_, wanted);
    error = co_await change_group(change.before);
    if (error.empty()) error = co_await update_containers(pod, plan, memory);
    // A container that is to be restarted may still use more.
    if (error.empty() && plan.restarts.empty()) error = co_await change_group(change.after);
  }
  if (!error.empty()) co_return error;
  for (const ContainerResize& one : plan.restarts) {
    kill({one.id, one.name, grace_seconds()}, "Container " + one.name + " resize requires restart");
  }
  if (plan.restarts.empty()) group_limits_ = wanted;
  co_return "";
}

Task<std::string> PodWorker::check_memory(ResizePlan plan, os::CgroupLimits wanted) {
  if (!node_.cgroups || !lowers_memory(plan, group_limits_, wanted)) co_return "";
  os::Cgroups groups = *node_.cgroups;
  std::string path = pod_cgroup(node_.options.cgroup_root, view());
  Result<os::CgroupUsage> used =
      co_await run_blocking(node_.loop, node_.pool, [groups, path] { return groups.usage(path); });
  Result<std::vector<UsageRecord>> all = co_await node_.runtime.list_usage();
  MemoryUse use;
  if (used) use.pod_bytes = used->memory_bytes;
  if (all) {
    for (const UsageRecord& one : *all) use.containers[one.container_id] = one.used.memory_bytes;
  }
  co_return memory_problem(plan, group_limits_, wanted, use);
}

Task<std::string> PodWorker::change_group(os::CgroupLimits change) {
  bool nothing = change.memory_bytes == 0 && change.cpu_quota_us == 0 && change.cpu_shares == 0;
  if (!node_.cgroups || nothing) co_return "";
  os::Cgroups groups = *node_.cgroups;
  std::string path = pod_cgroup(node_.options.cgroup_root, view());
  Result<void> done = co_await run_blocking(
      node_.loop, node_.pool, [groups, path, change] { return groups.create(path, change); });
  if (!done) co_return done.error().message();
  if (change.memory_bytes != 0) group_limits_.memory_bytes = change.memory_bytes;
  if (change.cpu_quota_us != 0) group_limits_.cpu_quota_us = change.cpu_quota_us;
  if (change.cpu_shares != 0) group_limits_.cpu_shares = change.cpu_shares;
  co_return "";
}

Task<std::string> PodWorker::update_containers(ObjectPtr pod, ResizePlan plan, bool memory) {
  for (const ContainerResize& one : plan.updates) {
    if (memory ? !one.memory : !one.cpu) continue;
    Amounts amounts = mixed(one, memory);
    ObjectPtr with = with_allocation(pod, {{one.name, amounts}});
    core_v1::Pod of(*with);
    ContainerInput input;
    input.pod = of;
    input.container = container_at(of.spec(), *find_place(of.spec(), one.name));
    input.memory_capacity = node_.memory_capacity;
    input.limits = node_.limits;
    Result<void> done = co_await node_.runtime.update_resources(one.id, container_resources(input));
    if (!done) co_return done.error().message();
    node_.actuated.set(uid(), one.name, std::move(amounts));
  }
  co_return "";
}

ResizeReport PodWorker::resize_report() const {
  ResizeReport out;
  out.allocated = node_.allocations.find(uid());
  out.actuated = node_.actuated.find(uid());
  if (!is_active()) return out;
  out.pending = pending_;
  out.pending_generation = generation();
  out.progress = progress_;
  out.progress_generation = progress_generation_;
  return out;
}

}  // namespace tiphys::kubelet
