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
constexpr std::string_view kDeferred = "Deferred";

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
  auto shown = [this](std::string_view type, std::optional<Why>& why, int64_t& generation) {
    core_v1::PodCondition old = kinds::find_condition(view().status(), type);
    if (old.type().empty()) return;
    why = Why{std::string(old.reason()), std::string(old.message())};
    generation = old.observed_generation();
  };
  shown(kPending, pending_, pending_generation_);
  shown(kInProgress, progress_, progress_generation_);
  if (node_.allocations.find(uid())) return;
  bool runs = !state_.sandboxes.empty();
  node_.allocations.set(uid(), runs ? shown_allocation(view()) : wanted_allocation(view().spec()));
}

// At the first look: what the kubelet before this one ended to start it with other resources.
void PodWorker::adopt_resize_ends() {
  core_v1::PodCondition progress = kinds::find_condition(view().status(), kInProgress);
  const Allocation* actuated = node_.actuated.find(uid());
  if (progress.type().empty() || !actuated) return;
  ObjectPtr pod = allocated_pod();
  resize_ends_ =
      ended_for_resize(core_v1::Pod(*pod), state_, *actuated, progress.last_transition_time());
}

std::optional<MicroTime> PodWorker::waits_to_resize() const {
  const Allocation* has = node_.allocations.find(uid());
  if (!is_active() || !has) return std::nullopt;
  if (same_allocation(*has, wanted_allocation(view().spec()))) return std::nullopt;
  return kinds::find_condition(view().status(), kPending).last_transition_time();
}

bool PodWorker::try_resize(std::string_view trigger) {
  std::optional<Why> why = node_.judge_resize(*pod_);
  if (why) {
    note_pending(*why);
    return false;
  }
  if (pending_ && pending_->reason == kDeferred) node_.metrics.deferred_resize_accepted(trigger);
  node_.allocations.set(uid(), wanted_allocation(view().spec()));
  pending_.reset();
  progress_ = Why{};
  progress_generation_ = generation();
  record("Normal", "ResizeStarted",
         "Pod resize started: " + resize_summary(view(), generation(), ""));
  wake();
  return true;
}

void PodWorker::note_pending(const Why& why) {
  if (pending_ == why && pending_generation_ == generation()) return;
  pending_ = why;
  pending_generation_ = generation();
  if (why.reason != kDeferred) {
    node_.metrics.resize_infeasible(static_ ? "static_pod" : "insufficient_node_allocatable");
  }
  record("Warning", "Resize" + why.reason,
         "Pod resize " + why.reason + ": " + resize_summary(view(), generation(), why.message));
  wake();
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
  MonoTime begin = node_.loop.mono();
  std::string error = co_await actuate(pod, std::move(plan));
  node_.metrics.resize_actuated(node_.loop.mono() - begin, error.empty());
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
    resize_ends_.insert(one.id);
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
  out.pending_generation = pending_generation_;
  out.progress = progress_;
  out.progress_generation = progress_generation_;
  return out;
}

}  // namespace tiphys::kubelet
