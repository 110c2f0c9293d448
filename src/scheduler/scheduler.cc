#include "scheduler/scheduler.h"

#include "scheduler/scheduler_impl.h"

namespace tiphys::scheduler {
namespace {

// How long decisions may hold the loop before others get their turn.
constexpr Duration kTurn = std::chrono::milliseconds(2);
// One decision in so many has its plugins timed (upstream: ten percent of the cycles).
constexpr uint64_t kTimedDecisions = 10;

}  // namespace

Task<void> Scheduler::Impl::fill() { synced = co_await factory.wait_for_sync(stop.token()); }

Task<void> Scheduler::Impl::run() {
  bool ready = co_await factory.wait_for_sync(stop.token());
  if (!ready) co_return;
  while (!stop.stop_requested()) {
    co_await wait_for_work();
    bool free = co_await room.wait(stop.token());
    if (!free) co_return;
    PodPtr judged = one_turn();
    if (judged) co_await schedule_with_extenders(judged);
    co_await yield(loop);
  }
}

Task<void> Scheduler::Impl::wait_for_work() {
  if (cluster.queue().has_active()) co_return;
  std::optional<MonoTime> due = cluster.queue().next_due();
  Duration wait = due ? *due - loop.mono() : Duration(std::chrono::hours(1));
  if (wait > Duration::zero()) co_await work.wait(stop.token(), wait);
}

// Answers a pod that extenders have a say about: it comes next, and the others after it.
PodPtr Scheduler::Impl::one_turn() {
  work.reset();
  cluster.apply_changes();
  MonoTime end = loop.mono() + kTurn;
  // A virtual clock stands still here: the count bounds the turn there.
  for (int i = 0; i < kMaxBindings && bindings.size() < kMaxBindings; ++i) {
    PodPtr pod = cluster.queue().pop(loop.mono());
    if (!pod || extenders.judges(*pod)) return pod;
    schedule_one(pod);
    if (loop.mono() > end) break;
  }
  if (bindings.size() >= kMaxBindings) room.reset();
  return nullptr;
}

// schedule(), timed step by step.
Decision Scheduler::Impl::decide(const PodInfo& pod, std::string_view nominated) {
  const Profile& profile = profile_of(pod);
  Snapshot& snapshot = cluster.cache().snapshot();
  MonoTime started = loop.mono();
  bool timed = decisions++ % kTimedDecisions == 0;
  DecisionObserver observer(loop, metrics, pod.scheduler_name, timed);
  Feasible found = find_feasible(pod, snapshot, profile, next_start, nominated, &observer);
  next_start = found.next_start;
  MonoTime filtered = loop.mono(), scored = filtered;
  Decision decision{.evaluated = found.evaluated,
                    .feasible = static_cast<int>(found.nodes.size()),
                    .next_start = found.next_start,
                    .diagnosis = std::move(found.diagnosis)};
  if (found.nodes.size() == 1) {
    decision.node = found.nodes[0];
  } else if (!found.nodes.empty()) {
    std::vector<int64_t> scores = total_scores(pod, snapshot, profile, found.nodes, &observer);
    decision.node = pick_best(found.nodes, scores, random);
    scored = loop.mono();
    metrics.extension_point("Score", "Success", pod.scheduler_name, scored - filtered);
  }
  metrics.extension_point("Filter", decision.node ? "Success" : "Unschedulable", pod.scheduler_name,
                          filtered - started);
  metrics.algorithm(scored - started);
  return decision;
}

void Scheduler::Impl::schedule_one(const PodPtr& pod) {
  MonoTime started = loop.mono();
  std::string nominated = cluster.cache().nominated_node(pod->uid);
  Decision decision = decide(*pod, nominated);
  if (decision.node == nullptr) {
    failed(pod, std::move(decision.diagnosis), started);
  } else {
    place(pod, decision, started);
  }
}

Task<void> Scheduler::Impl::schedule_with_extenders(PodPtr pod) {
  MonoTime started = loop.mono();
  Consultation made =
      co_await consult(extenders, cluster.cache(), pod, profile_of(*pod), next_start, random);
  next_start = made.decision.next_start;
  note_times(*pod, made);
  metrics.algorithm(loop.mono() - started);
  // Gone meanwhile, or bound by somebody else?
  if (stop.stop_requested() || !cluster.queue().waits(pod->uid)) co_return;
  Diagnosis& diagnosis = made.decision.diagnosis;
  if (made.error) {
    decision_failed(pod, *made.error, started);
  } else if (made.overtaken) {
    cluster.queue().add_after_back_off(pod, loop.mono());
  } else if (made.decision.node != nullptr) {
    place(pod, made.decision, started);
  } else if (profile_of(*pod).preempts && extenders.judges_preemption(*pod)) {
    co_await preempt_with_extenders(pod, std::move(diagnosis), started);
  } else {
    failed(pod, std::move(diagnosis), started);
  }
}

void Scheduler::Impl::note_times(const PodInfo& pod, const Consultation& made) {
  bool some = made.decision.feasible > 0;
  metrics.extension_point("Filter", some ? "Success" : "Unschedulable", pod.scheduler_name,
                          made.filtering);
  if (some) metrics.extension_point("Score", "Success", pod.scheduler_name, made.scoring);
}

Scheduler::Scheduler(Loop& loop, client::Client& client, Random& random, Options options)
    : impl_(std::make_unique<Impl>(loop, client, random, std::move(options))) {}
Scheduler::Scheduler(Loop& loop, client::Client& client, Random& random)
    : Scheduler(loop, client, random, Options()) {}
Scheduler::~Scheduler() = default;

void Scheduler::warm() {
  if (std::exchange(impl_->warming, true)) return;
  impl_->factory.start();
  impl_->gate.spawn(impl_->fill());
}

void Scheduler::start() {
  warm();
  impl_->gate.spawn(impl_->run());
}

Task<void> Scheduler::stop() {
  impl_->stop.request_stop();
  co_await impl_->gate.close();
  co_await impl_->volume_waits.close();
  co_await impl_->bindings.close();
  co_await impl_->extenders.stop();
  co_await impl_->factory.stop();
  for (auto& [name, voice] : impl_->voices) co_await voice.recorder.stop();
}

bool Scheduler::synced() const { return impl_->synced; }
const Scheduler::Counters& Scheduler::counters() const { return impl_->counters; }
std::string Scheduler::metrics_text() const {
  SchedulingQueue& queue = impl_->cluster.queue();
  const Cache& cache = impl_->cluster.cache();
  SchedulerMetrics& metrics = impl_->metrics;
  metrics.set_pending({queue.active(), queue.backing_off(), queue.unschedulable(), queue.gated()});
  metrics.set_incoming(queue.incoming());
  metrics.set_cache(cache.snapshot().nodes().size(), cache.size(), cache.assumed());
  metrics.forget_unless([&](const std::string& uid) { return queue.waits(uid); });
  return metrics.text();
}

size_t Scheduler::pending() const { return impl_->cluster.queue().size(); }

Result<std::vector<NodeExplanation>> Scheduler::why(std::string_view ns,
                                                    std::string_view name) const {
  ObjectPtr object = impl_->cluster.pods().get(ns, name);
  if (!object) return ApiStatus::not_found("", "pods", name);
  const Profile* profile = impl_->profiles.find(core_v1::Pod(*object).spec().scheduler_name());
  if (profile == nullptr) return ApiStatus::not_found("", "pods", name);
  // A placed pod is judged as if it weren't there yet.
  PodInfo pod(object);
  pod.node_name = {};
  Snapshot& snapshot = impl_->cluster.cache().snapshot();
  auto placed = std::make_shared<PodInfo>(object);
  bool taken = !placed->node_name.empty() && snapshot.remove_pod(placed->uid, placed->node_name);
  std::vector<NodeExplanation> answer = explain(pod, snapshot, *profile);
  if (taken) snapshot.add_pod(placed, placed->node_name);
  return answer;
}

}  // namespace tiphys::scheduler
