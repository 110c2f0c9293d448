#include "kubelet/pods/worker.h"

#include <algorithm>

#include "base/log.h"
#include "base/strings.h"
#include "base/time_math.h"
#include "kinds/pods.h"
#include "kubelet/node/node_addresses.h"
#include "kubelet/pods/preemption.h"
#include "kubelet/pods/restart_policy.h"
#include "kubelet/pods/static_pod.h"
#include "kubelet/pods/termination_message.h"
#include "kubelet/probes/prober.h"

namespace tiphys::kubelet {
namespace {

constexpr MicroTime kRetry = kMicrosPerSecond;
constexpr MicroTime kLag = 20'000;
constexpr MicroTime kLagLimit = 10 * kMicrosPerSecond;
constexpr Duration kInformPoll = std::chrono::milliseconds(20);

bool is_deleting(const ObjectPtr& pod) {
  return core_v1::Pod(*pod).metadata().has_deletion_timestamp();
}

uint64_t revision(const ObjectPtr& pod) {
  return parse_uint(core_v1::Pod(*pod).metadata().resource_version()).value_or(0);
}

}  // namespace

PodWorker::PodWorker(NodeServices& node, ObjectPtr pod, std::function<void()> on_finished)
    : node_(node),
      pod_(std::move(pod)),
      on_finished_(std::move(on_finished)),
      gate_(node.loop),
      wake_(node.loop),
      startup_(view()),
      back_off_(node.options.max_container_restart_period / std::chrono::microseconds(1)),
      turn_(node.loop) {
  wake_.set();
  static_ = is_static_pod(view());
  volumes_ = std::make_unique<PodVolumes>(
      node_, uid(),
      PodVolumes::Host{
          [this] { wake(); },
          [this](const std::string& message) { record("Warning", "FailedMount", message); }});
  HandlerHost host{node.loop, node.pool, node.runtime, &node.metrics};
  prober_ = std::make_unique<Prober>(
      host, probes_, [this] { wake(); },
      [this](std::string_view type, std::string_view reason, const std::string& message,
             const std::string& container) {
        record(type, reason, message, container_field_path(view().spec(), container));
      });
}

PodWorker::~PodWorker() = default;

void PodWorker::start() { gate_.spawn(run()); }

Task<void> PodWorker::stop() {
  stop_.request_stop();
  co_await prober_->stop();
  co_await volumes_->stop();
  co_await gate_.close();
}

void PodWorker::update(ObjectPtr pod) {
  // Our own write may be ahead of the informer.
  if (revision(pod) < revision(pod_)) return;
  take(std::move(pod));
  if (!static_) count_start();
  wake();
}

void PodWorker::count_start() {
  std::optional<Startup::Took> took = startup_.seen(view(), node_.loop.wall());
  if (!took) return;
  node_.metrics.pod_start_total(took->total);
  if (took->sli) node_.metrics.pod_start_sli(*took->sli, !view().spec().host_network());
}

void PodWorker::take(ObjectPtr pod) {
  core_v1::PodSpec spec = core_v1::Pod(*pod).spec();
  for (const RequestedResize& one : requested_resizes(view().spec(), spec)) {
    node_.metrics.resize_requested(one.resource, one.requirement, one.operation);
  }
  pod_ = static_ ? std::move(pod) : as_api_pod(std::move(pod));
}

void PodWorker::deleted() {
  bool used = uses_node();
  deleted_ = true;
  if (used && !uses_node()) node_.room_made();
  wake();
}

void PodWorker::remove() {
  removed_ = true;
  wake();
}

void PodWorker::wake() { wake_.set(); }

void PodWorker::container_ended(const std::string& id) {
  ended_[id] = node_.loop.wall();
  wake();
}

// Looks again soon while the listing lags behind an event.
void PodWorker::expect_ends() {
  MicroTime now = node_.loop.wall();
  std::erase_if(ended_, [&](const auto& told) {
    if (now - told.second > kLagLimit) return true;
    for (const ContainerRecord& c : state_.containers) {
      if (c.id != told.first) continue;
      if (c.state == ContainerState::kExited) return true;
      wake_at(now + kLag);
    }
    for (const SandboxRecord& one : state_.sandboxes) {
      if (one.id != told.first) continue;
      if (!one.ready) return true;
      wake_at(now + kLag);
    }
    return false;  // not listed yet, or listed as running
  });
}

void PodWorker::evict(const std::string& message) {
  if (!is_active()) return;
  evicted_ = true;
  failed_ = Why{"Evicted", message};
  record("Warning", failed_->reason, message);
  wake();
}

void PodWorker::preempt() {
  if (!is_active()) return;
  failed_ = Why{std::string(kPreempting), std::string(kPreemptedMessage)};
  record("Warning", failed_->reason, failed_->message);
  wake();
}

// A hook of a container that ended would otherwise hold the pod for as long as it likes.
void PodWorker::end_hooks_of_ended() {
  for (const ContainerRecord& c : state_.containers) {
    auto hook = hooks_.find(c.id);
    if (hook != hooks_.end() && c.state == ContainerState::kExited) hook->second.request_stop();
  }
}

std::set<std::string> PodWorker::starting() const {
  std::set<std::string> out;
  for (const auto& [id, stop] : hooks_) out.insert(id);
  return out;
}

bool PodWorker::is_ending() const {
  return deleted_ || removed_ || is_deleting(pod_) || failed_ ||
         kinds::is_terminal(view().status().phase()) || is_finished(view(), state_);
}

// Where the pod's probes and hooks reach it; "": nowhere yet.
std::string PodWorker::pod_address() const {
  const SandboxRecord* sandbox = state_.newest_sandbox();
  if (view().spec().host_network()) return node_.host_ips.empty() ? "" : node_.host_ips[0];
  return sandbox && !sandbox->ips.empty() ? sandbox->ips[0] : "";
}

bool PodWorker::is_active() const {
  return admitted_ && !deleted_ && !failed_ && !kinds::is_terminal(view().status().phase());
}

void PodWorker::wake_at(MicroTime when) {
  if (wake_at_ == 0 || when < wake_at_) wake_at_ = when;
}

void PodWorker::record(std::string_view type, std::string_view reason, const std::string& message,
                       std::string_view field_path) {
  node_.events.record(*pod_, type, reason, message, field_path);
}

Task<void> PodWorker::run() {
  // Static pods run without the API.
  while (!static_ && !node_.informed() && !stop_.stop_requested()) {
    (void)co_await sleep_for(node_.loop, kInformPoll, stop_.token());
  }
  while (!stop_.stop_requested() && !finished_) {
    Duration limit = node_.options.sync_frequency;
    if (wake_at_ != 0) {
      Duration left = time_between(node_.loop.wall(), wake_at_);
      limit = std::min(limit, std::max<Duration>(left, std::chrono::milliseconds(1)));
    }
    (void)co_await wake_.wait(stop_.token(), limit);
    if (stop_.stop_requested()) break;
    bool up = co_await node_.containerd.wait_ready(stop_.token());
    if (!up) break;
    wake_.reset();
    wake_at_ = 0;
    MonoTime begin = node_.loop.mono();
    bool used = uses_node();
    co_await sync();
    if (used && !uses_node()) node_.room_made();
    count_pass(begin);
  }
  if (!finished_) co_return;
  node_.loop.post([done = on_finished_] { done(); });
}

// How long the pass took; and once, how long it was until the pod ran, if we saw it before.
void PodWorker::count_pass(MonoTime begin) {
  MonoTime now = node_.loop.mono();
  bool running = view().status().phase() == "Running";
  node_.metrics.worker_pass(seen_at_ ? "sync" : "create", now - begin);
  if (!seen_at_) {
    seen_at_ = begin;
    start_told_ = running;  // it ran before we did
    node_.metrics.containers_in_pod(view().spec().containers().size());
  }
  if (!running || start_told_) return;
  start_told_ = true;
  node_.metrics.pod_start(now - *seen_at_);
}

// activeDeadlineSeconds: counted from the pod's start, over restarts of this process.
void PodWorker::watch_deadline() {
  core_v1::PodSpec spec = view().spec();
  core_v1::PodStatus status = view().status();
  if (failed_ || !spec.has_active_deadline_seconds() || !status.has_start_time()) return;
  if (kinds::is_terminal(status.phase()) || is_finished(view(), state_)) return;
  MicroTime end = seconds_after(status.start_time(), spec.active_deadline_seconds());
  if (node_.loop.wall() < end) {
    wake_at(end);
    return;
  }
  failed_ =
      Why{"DeadlineExceeded", "Pod was active on the node longer than the specified deadline"};
  record("Normal", failed_->reason, failed_->message);
}

Task<void> PodWorker::sync() {
  bool seen = co_await refresh();
  if (!seen) {
    wake_at(node_.loop.wall() + kRetry);
    co_return;
  }
  expect_ends();
  end_hooks_of_ended();
  watch_deadline();
  prober_->update(pod_, state_, starting(), is_ending());
  if (deleted_ || removed_ || is_deleting(pod_)) {
    co_await sync_terminating();
  } else if (is_ending()) {
    co_await sync_terminal();
  } else {
    co_await sync_running();
  }
}

Task<void> PodWorker::sync_running() {
  bool admitted = co_await admit();
  if (!admitted) {
    wake();
    co_return;
  }
  if (waits_to_resize()) {
    bool again = pending_ && pending_generation_ == generation();
    node_.retry_resizes(again ? "periodic_retry" : "pod_updated");
  } else {
    pending_.reset();
  }
  PlanInput input{view(), &state_, &probes_, &back_off_, node_.loop.wall()};
  PodPlan plan = plan_pod(input);
  for (auto& [name, why] : plan.waiting) {
    if (!waiting_.contains(name) || waiting_[name].reason != why.reason) {
      record("Warning", "BackOff",
             "Back-off restarting failed container " + name + " in pod " + pod_label(view()),
             container_field_path(view().spec(), name));
    }
    waiting_[name] = why;
  }
  if (plan.wake_at) wake_at(*plan.wake_at);
  bool sent = co_await publish(false);
  if (!sent) wake_for_api();
  for (const ContainerKill& one : plan.kills) {
    kill({one.id, one.name, one.grace.value_or(grace_seconds())}, one.message);
  }
  if (!has_room()) co_return;
  bool ready = co_await prepare();
  if (!ready) {
    (void)co_await publish(false);
    co_return;
  }
  if (plan.create_sandbox) {
    // What still runs in the old one is on its way out; its end wakes this worker.
    if (state_.any_running()) co_return;
    if (plan.sandbox_attempt > 0) {
      record("Normal", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.");
    }
    for (const std::string& id : plan.stop_sandboxes) (void)co_await node_.runtime.stop_sandbox(id);
    co_await create_sandbox(plan.sandbox_attempt);
    co_return;
  }
  co_await resize();
  // Nothing starts beside a postStart hook; its end wakes this worker.
  if (!hooks_.empty()) co_return;
  co_await start_containers(std::move(plan));
}

Task<bool> PodWorker::admit() {
  if (admitted_) co_return true;
  // A pod that already has something here was admitted before this process started.
  NodeServices::Admitted answer;
  if (state_.sandboxes.empty()) answer = node_.admit(*allocated_pod());
  const std::optional<Why>& refusal = answer.refusal;
  if (!refusal) {
    admitted_ = true;
    making_room_ = std::move(answer.making_room);
    room_limit_ = node_.loop.mono() + answer.limit;
    take_allocation();
    Result<void> kept = co_await node_.allocations.written();
    if (!kept) LOG_WARNING("Can't keep a pod's allocation", {"err", kept.error()});
    node_.retry_resizes("pods_added");
    co_return true;
  }
  record("Warning", refusal->reason, refusal->message);
  failed_ = Why{refusal->reason, "Pod was rejected: " + refusal->message};
  refused_ = true;
  bool sent = co_await publish(false);
  if (!sent) wake_for_api();
  co_return false;
}

// False: what the pods have that go for this one isn't free yet. The end of each wakes this worker.
bool PodWorker::has_room() {
  std::erase_if(making_room_, [&](const std::string& uid) { return !node_.uses_node(uid); });
  if (node_.loop.mono() >= room_limit_) making_room_.clear();
  if (making_room_.empty()) return true;
  wake_at(node_.loop.wall() + (room_limit_ - node_.loop.mono()) / std::chrono::microseconds(1));
  return false;
}

// Reads the pod's state from the runtime. False: it doesn't answer.
Task<bool> PodWorker::refresh() {
  Result<RuntimeList> list = co_await node_.runtime.list(uid());
  if (!list) {
    LOG_WARNING("Can't list a pod's containers", {"pod", pod_label(view())}, {"err", list.error()});
    co_return false;
  }
  PodRuntime fresh{std::move(list->sandboxes), std::move(list->containers)};
  for (ContainerRecord& container : fresh.containers) {
    bool known = co_await add_status(container);
    if (!known) co_return false;
  }
  for (SandboxRecord& sandbox : fresh.sandboxes) {
    if (!sandbox.ready) continue;
    auto ips = ips_.find(sandbox.id);
    if (ips == ips_.end()) {
      Result<SandboxRecord> status = co_await node_.runtime.sandbox_status(sandbox.id);
      if (!status) co_return false;
      ips = ips_.insert_or_assign(sandbox.id, order_pod_ips(status->ips, node_.host_ips)).first;
    }
    sandbox.ips = ips->second;
  }
  sort_newest_first(fresh);
  std::erase_if(known_, [&](const auto& entry) {
    return std::none_of(fresh.containers.begin(), fresh.containers.end(),
                        [&](const ContainerRecord& c) { return c.id == entry.first; });
  });
  std::erase_if(resize_ends_, [&](const std::string& id) { return !known_.contains(id); });
  state_ = std::move(fresh);
  if (!std::exchange(looked_, true)) adopt_resize_ends();
  for (ContainerRecord& c : state_.containers) c.restart_due = resize_ends_.contains(c.id);
  turn_.set();
  turn_.reset();
  co_return true;
}

// Fills in a listed container's status; it is asked for only when the state changed.
Task<bool> PodWorker::add_status(ContainerRecord& container) {
  auto known = known_.find(container.id);
  if (known == known_.end() || known->second.state != container.state) {
    Result<ContainerRecord> status = co_await node_.runtime.container_status(container.id);
    if (!status && status.error().reason() == "NotFound") co_return true;  // removed meanwhile
    if (!status) co_return false;
    ContainerRecord full = std::move(*status);
    full.sandbox_id = container.sandbox_id;
    full.pod_uid = container.pod_uid;
    if (full.state == ContainerState::kExited) {
      note_init_run(full);
      co_await read_message(full);
    }
    if (full.state == ContainerState::kRunning) waiting_.erase(full.name);
    known = known_.insert_or_assign(container.id, std::move(full)).first;
  }
  container = known->second;
  co_return true;
}

void PodWorker::note_init_run(const ContainerRecord& ended) {
  std::optional<ContainerPlace> place = find_place(view().spec(), ended.name);
  if (!place || place->kind != ContainerKind::kInit || ended.started == 0) return;
  if (kinds::is_sidecar(container_at(view().spec(), *place))) return;
  startup_.init_ran(std::chrono::microseconds(ended.finished - ended.started));
}

Task<void> PodWorker::read_message(ContainerRecord& container) {
  auto file = container.annotations.find(std::string(kMessageFileAnnotation));
  auto policy = container.annotations.find(std::string(kMessagePolicyAnnotation));
  std::string path = file == container.annotations.end() ? "" : file->second;
  bool logs = policy != container.annotations.end() && policy->second == "FallbackToLogsOnError" &&
              container.exit_code != 0;
  std::string log = logs ? container.log_path : "";
  std::string message = co_await run_blocking(
      node_.loop, node_.pool, [path, log] { return read_termination_message(path, log); });
  if (message.empty()) co_return;
  container.message += (container.message.empty() ? "" : ": ") + message;
}

}  // namespace tiphys::kubelet
