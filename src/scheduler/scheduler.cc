#include "scheduler/scheduler.h"

#include "base/log.h"
#include "client/event_recorder.h"
#include "kinds/policy_v1.h"
#include "scheduler/cluster_view.h"
#include "scheduler/consultation.h"
#include "scheduler/plugins/plugins.h"
#include "scheduler/pod_signature.h"
#include "scheduler/preemption.h"
#include "scheduler/scheduler_metrics.h"
#include "scheduler/status_patch.h"
#include "scheduler/volume_binder.h"
#include "scheduler/volume_matching.h"

namespace tiphys::scheduler {
namespace {

// How long decisions may hold the loop before others get their turn.
constexpr Duration kTurn = std::chrono::milliseconds(2);
// Of one profile. Events are written one after another beside the bindings, so a burst of pods is
// told of later than it is placed, but told of.
constexpr size_t kMaxEvents = 20'000;
constexpr Duration kLookAgain = std::chrono::seconds(1);
constexpr const char* kUnschedulable = "Unschedulable";
constexpr const char* kSchedulerError = "SchedulerError";
constexpr const char* kWaitsForVictims =
    "preemption: not eligible due to a terminating pod on the nominated node.";
constexpr std::string_view kBindFailed = "running Bind plugin \"DefaultBinder\": ";

// The server said no: nothing was done.
bool was_refused(const ApiStatus& error) { return error.code() >= 400 && error.code() < 500; }

// Whether pods that were preempted for it still leave the node it is nominated for.
bool waits_for_victims(const PodInfo& pod, const NodeInfo* node, const Diagnosis& diagnosis) {
  if (node == nullptr) return false;
  const auto& maybe = diagnosis.maybe_by_preemption;
  if (std::ranges::find(maybe, node) == maybe.end()) return false;
  return std::ranges::any_of(node->pods, [&](const PodPtr& other) {
    return other->preempted && other->priority < pod.priority;
  });
}

const schema::Resource& pod_resource() { return *schema::find_resource("", "v1", "pods"); }

constexpr std::string_view kPreBindFailed = "running PreBind plugin \"VolumeBinding\": ";

// What has to happen to the pod's claims before it is bound; empty: nothing.
VolumePlan plan_volumes(const PodInfo& pod, const Snapshot& snapshot, const NodeInfo& node,
                        const Profile& profile) {
  if (pod.claims.empty()) return {};
  const auto& filters = profile.filters;
  bool binds = std::find(filters.begin(), filters.end(), &kVolumeBinding) != filters.end();
  return binds ? ClaimMatcher(pod, snapshot.volumes()).plan(node) : VolumePlan{};
}

}  // namespace

struct Scheduler::Impl {
  Impl(Loop& loop_in, client::Client& client_in, Random& random_in, Options opts)
      : loop(loop_in),
        client(client_in),
        random(random_in),
        profiles(std::move(opts.profiles)),
        factory(loop, client, random),
        work(loop),
        room(loop),
        gate(loop),
        bindings(loop),
        extenders(loop, std::move(opts.extenders), stop.token()),
        volume_waits(loop),
        cluster(loop, factory, profiles, opts.queue, [this] { work.set(); }),
        volume_binder(loop, client, cluster),
        budgets(factory.informer(*schema::find_resource("policy", "v1", "poddisruptionbudgets"))) {
    room.set();
    for (const Profile& profile : profiles.list()) {
      voices.try_emplace(profile.scheduler_name, loop, client, random, profile.scheduler_name);
    }
  }

  Task<void> run();
  Task<void> wait_for_work();
  PodPtr one_turn();
  // Of a pod that is ours.
  const Profile& profile_of(const PodInfo& pod) const { return *profiles.find(pod.scheduler_name); }
  client::EventRecorder& recorder_of(const PodInfo& pod) {
    return voices.find(pod.scheduler_name)->second.recorder;
  }
  void schedule_one(const PodPtr& pod);
  Task<void> schedule_with_extenders(PodPtr pod);
  void note_times(const PodInfo& pod, const Consultation& made);
  void place(const PodPtr& pod, const Decision& decision, MonoTime started);
  Task<void> preempt_with_extenders(PodPtr pod, Diagnosis diagnosis, MonoTime started);
  void failed(const PodPtr& pod, Diagnosis diagnosis, MonoTime started);
  void decision_failed(const PodPtr& pod, const ApiStatus& error, MonoTime started);
  void give_up(const PodPtr& pod, Diagnosis diagnosis, Preemption preemption, MonoTime started);
  void take_over(const std::string& node, int32_t priority);
  Candidates find_victims(const PodPtr& pod, const Diagnosis& diagnosis);
  std::vector<Budget> present_budgets() const;
  void report(const PodPtr& pod, std::string reason, std::string message,
              std::optional<std::string> nominated);
  Task<void> patch_status(std::string ns, std::string name, std::string body);
  Decision decide(const PodInfo& pod, std::string_view nominated);
  Task<Result<ObjectPtr>> look_again(PodPtr pod, ApiStatus error);
  Task<void> bind(PodPtr pod, std::string node, MonoTime started);
  Task<Result<bool>> default_bind(PodPtr pod, std::string node);
  Task<void> bind_volumes(PodPtr pod, VolumePlan plan, MonoTime started);
  Task<void> wait_for_volumes(PodPtr pod, VolumePlan plan, MonoTime started);
  void volumes_failed(const PodPtr& pod, const VolumePlan& plan, const ApiStatus& error,
                      MonoTime started);
  void bind_failed(const PodPtr& pod, const std::string& node, std::string_view step,
                   const ApiStatus& error);
  void note_bound(const PodPtr& pod, MonoTime started);
  Task<void> evict(PodPtr victim, PodPtr preemptor, std::string node);

  Loop& loop;
  client::Client& client;
  Random& random;
  const Profiles profiles;
  client::InformerFactory factory;
  // Events come from the schedulerName that a pod asks for.
  struct Voice {
    Voice(Loop& loop, client::Client& client, Random& random, const std::string& name)
        : own(client.transport(), name), recorder(loop, own, random, "", kMaxEvents) {}
    client::Client own;
    client::EventRecorder recorder;
  };
  std::map<std::string, Voice, std::less<>> voices;
  Event work;
  Event room;  // fewer than kMaxBindings are under way
  StopSource stop;
  Gate gate;
  Gate bindings;
  ExtenderCalls extenders;
  Gate volume_waits;  // apart from `bindings`: volumes that never bind hold nobody else up
  ClusterView cluster;
  VolumeBinder volume_binder;
  client::Informer& budgets;
  size_t next_start = 0;
  bool warming = false;
  bool running = false;
  Counters counters;
  SchedulerMetrics metrics;
};

Task<void> Scheduler::Impl::run() {
  bool ready = co_await factory.wait_for_sync(stop.token());
  if (!ready) co_return;
  running = true;
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
  const Snapshot& snapshot = cluster.cache().snapshot();
  MonoTime started = loop.mono();
  Feasible found = find_feasible(pod, snapshot, profile, next_start, nominated);
  next_start = found.next_start;
  MonoTime filtered = loop.mono(), scored = filtered;
  Decision decision{.evaluated = found.evaluated,
                    .feasible = static_cast<int>(found.nodes.size()),
                    .next_start = found.next_start,
                    .diagnosis = std::move(found.diagnosis)};
  if (found.nodes.size() == 1) {
    decision.node = found.nodes[0];
  } else if (!found.nodes.empty()) {
    std::vector<int64_t> scores = total_scores(pod, snapshot, profile, found.nodes);
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
  Cache& cache = cluster.cache();
  std::string nominated = cache.nominated_node(pod->uid);
  Decision decision = cache.as_seen_by(pod, [&] { return decide(*pod, nominated); });
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

void Scheduler::Impl::place(const PodPtr& pod, const Decision& decision, MonoTime started) {
  std::string node = decision.node->name;
  Snapshot& snapshot = cluster.cache().snapshot();
  VolumePlan volumes = plan_volumes(*pod, snapshot, *decision.node, profile_of(*pod));
  std::string nominated = cluster.cache().nominated_node(pod->uid);
  cluster.cache().assume(pod, node);
  if (!nominated.empty() && nominated != node) cluster.note_node(nominated);
  cluster.queue().placed(pod->uid, loop.mono());
  LOG_V(3, "Attempting to bind pod to node", {"pod", pod->key}, {"node", node},
        {"evaluatedNodes", decision.evaluated}, {"feasibleNodes", decision.feasible});
  if (volumes.empty()) {
    bindings.spawn(bind(pod, std::move(node), started));
    return;
  }
  snapshot.volumes().assume(volumes);
  bindings.spawn(bind_volumes(pod, std::move(volumes), started));
}

std::vector<Budget> Scheduler::Impl::present_budgets() const {
  std::vector<Budget> list;
  for (const ObjectPtr& object : budgets.list()) {
    policy_v1::PodDisruptionBudget budget(*object);
    std::optional<LabelMatch> match =
        from_label_selector(budget.spec().has_selector(), budget.spec().selector());
    if (!match || match->requirements.empty()) continue;  // upstream: an empty one matches nothing
    Budget& made = list.emplace_back(std::string(budget.metadata().namespace_()), std::move(*match),
                                     budget.status().disruptions_allowed());
    for (auto [name, time] : budget.status().disrupted_pods()) made.disrupted.emplace(name);
  }
  return list;
}

// Drops the pod's nomination, unless it has to wait for its victims.
Candidates Scheduler::Impl::find_victims(const PodPtr& pod, const Diagnosis& diagnosis) {
  Cache& cache = cluster.cache();
  std::string nominated = pod->never_preempts ? "" : cache.drop_nomination(pod->uid);
  if (waits_for_victims(*pod, cache.snapshot().find(nominated), diagnosis)) {
    cache.nominate(pod, nominated);
    return {.list = {}, .message = kWaitsForVictims};
  }
  if (!nominated.empty()) cluster.note_node(nominated);
  // Reading budgets is for those who may have victims.
  std::vector<Budget> found;
  bool none = diagnosis.maybe_by_preemption.empty();
  if (!none && cache.snapshot().lowest_priority() < pod->priority) found = present_budgets();
  size_t start = random.below(1 << 30);
  return cache.as_seen_by(pod, [&] {
    return find_candidates(*pod, cache.snapshot(), diagnosis, found, profile_of(*pod), start);
  });
}

Task<void> Scheduler::Impl::preempt_with_extenders(PodPtr pod, Diagnosis diagnosis,
                                                   MonoTime started) {
  const Snapshot& snapshot = cluster.cache().snapshot();
  MonoTime asked = loop.mono();
  Candidates found = find_victims(pod, diagnosis);
  diagnosis.maybe_by_preemption.clear();
  Preemption preemption{.message = std::move(found.message), .hopeless = found.hopeless};
  if (!found.list.empty()) {
    Result<std::vector<Candidate>> left =
        co_await extenders.preempt(pod, std::move(found.list), snapshot);
    if (stop.stop_requested() || !cluster.queue().waits(pod->uid)) co_return;
    preemption = left ? choose_candidate(std::move(*left), snapshot)
                      : Preemption{.message = "preemption: " + left.error().message()};
  }
  metrics.extension_point("PostFilter", preemption.node ? "Success" : "Unschedulable",
                          pod->scheduler_name, loop.mono() - asked);
  give_up(pod, std::move(diagnosis), std::move(preemption), started);
}

void Scheduler::Impl::failed(const PodPtr& pod, Diagnosis diagnosis, MonoTime started) {
  Preemption preemption;
  if (profile_of(*pod).preempts) {
    MonoTime asked = loop.mono();
    Candidates found = find_victims(pod, diagnosis);
    preemption = {.message = std::move(found.message), .hopeless = found.hopeless};
    if (!found.list.empty()) {
      preemption = choose_candidate(std::move(found.list), cluster.cache().snapshot());
    }
    metrics.extension_point("PostFilter", preemption.node ? "Success" : "Unschedulable",
                            pod->scheduler_name, loop.mono() - asked);
  }
  give_up(pod, std::move(diagnosis), std::move(preemption), started);
}

// Not that no node fits: nobody knows.
void Scheduler::Impl::decision_failed(const PodPtr& pod, const ApiStatus& error, MonoTime started) {
  ++counters.errors;
  metrics.attempt("error", pod->scheduler_name, loop.mono() - started);
  LOG_ERROR("Error selecting node for pod", {"pod", pod->key}, {"err", error});
  cluster.queue().add_after_back_off(pod, loop.mono());
  report(pod, kSchedulerError, error.message(), std::nullopt);
}

// Less important pods that are nominated for the node look for another place.
void Scheduler::Impl::take_over(const std::string& node, int32_t priority) {
  Cache& cache = cluster.cache();
  for (const Cache::Nomination& other : cache.set_aside_below(priority)) {
    if (other.node != node) {
      cache.nominate(other.pod, other.node);
      continue;
    }
    cluster.queue().retry(other.pod->uid, loop.mono());
    bindings.spawn(patch_status(std::string(other.pod->ns), std::string(other.pod->name),
                                R"({"status":{"nominatedNodeName":null}})"));
  }
}

void Scheduler::Impl::give_up(const PodPtr& pod, Diagnosis diagnosis, Preemption preemption,
                              MonoTime started) {
  ++counters.unschedulable;
  metrics.rejected(pod->uid, pod->scheduler_name, diagnosis.plugins);
  if (profile_of(*pod).preempts) metrics.preempted(preemption.victims.size());
  std::string message = diagnosis.message();
  std::optional<std::string> nominated;
  if (preemption.node) {
    ++counters.preemptions;
    nominated = preemption.node->name;
    for (const PodPtr& victim : preemption.victims) {
      if (victim->terminating) continue;
      cluster.cache().mark_preempted(victim->uid, true);
      bindings.spawn(evict(victim, pod, *nominated));
    }
    take_over(*nominated, pod->priority);
    cluster.cache().nominate(pod, *nominated);
  } else if (!preemption.message.empty()) {
    message += " " + preemption.message;
    if (preemption.hopeless) nominated = "";
  }
  std::string kind = pod_signature(*pod, profile_of(*pod).args.spreads_hard_by_default());
  // It made room for itself alone; and what extenders look at, nobody knows.
  if (cluster.cache().is_nominated(pod->uid) || extenders.judges(*pod)) kind += pod->uid;
  cluster.queue().add_unschedulable(pod, {std::move(kind), std::move(diagnosis.plugins)},
                                    loop.mono());
  metrics.attempt("unschedulable", pod->scheduler_name, loop.mono() - started);
  report(pod, kUnschedulable, std::move(message), std::move(nominated));
}

// Tells the user: an event each time, the condition if it says something new.
void Scheduler::Impl::report(const PodPtr& pod, std::string reason, std::string message,
                             std::optional<std::string> nominated) {
  ObjectPtr object = cluster.pod_object(*pod);
  if (!object || !core_v1::Pod(*object).spec().node_name().empty()) return;
  LOG_V(2, "Unable to schedule pod", {"pod", pod->key}, {"err", message});
  recorder_of(*pod).record(*object, "Warning", "FailedScheduling", message);
  std::string patch =
      unscheduled_patch(*object, reason, message, std::move(nominated), loop.wall());
  if (patch.empty()) return;
  bindings.spawn(patch_status(std::string(pod->ns), std::string(pod->name), std::move(patch)));
}

Task<void> Scheduler::Impl::patch_status(std::string ns, std::string name, std::string body) {
  Result<ObjectPtr> patched = co_await client.patch(pod_resource(), ns, name,
                                                    client::PatchType::kStrategic, body, "status");
  if (!patched && !patched.error().is_not_found()) {
    LOG_WARNING("Can't update a pod's status", {"pod", ns + "/" + name}, {"err", patched.error()});
  }
  room.set();
}

Task<void> Scheduler::Impl::bind(PodPtr pod, std::string node, MonoTime started) {
  MonoTime asked = loop.mono();
  Result<bool> bound = co_await extenders.bind(pod, node);
  std::string_view step;
  if (bound && !*bound) {
    step = kBindFailed;
    bound = co_await default_bind(pod, node);
  }
  room.set();
  work.set();
  metrics.extension_point("Bind", bound ? "Success" : "Error", pod->scheduler_name,
                          loop.mono() - asked);
  if (!bound) {
    metrics.attempt("error", pod->scheduler_name, loop.mono() - started);
    bind_failed(pod, node, step, bound.error());
    co_return;
  }
  ++counters.scheduled;
  note_bound(pod, started);
  cluster.queue().done(pod->uid, loop.mono());
  recorder_of(*pod).record(*pod->object, "Normal", "Scheduled",
                           "Successfully assigned " + pod->key + " to " + node);
}

Task<Result<bool>> Scheduler::Impl::default_bind(PodPtr pod, std::string node) {
  Result<ObjectPtr> bound = co_await client.create_subresource(pod_resource(), std::string(pod->ns),
                                                               std::string(pod->name), "binding",
                                                               binding_object(*pod, node));
  if (!bound && !was_refused(bound.error())) bound = co_await look_again(pod, bound.error());
  if (!bound) co_return bound.error();
  co_return true;
}

// After an answer that leaves open whether the pod was bound: its room is kept until that is known.
Task<Result<ObjectPtr>> Scheduler::Impl::look_again(PodPtr pod, ApiStatus error) {
  while (!stop.stop_requested()) {
    Result<ObjectPtr> found =
        co_await client.get(pod_resource(), std::string(pod->ns), std::string(pod->name));
    if (found) {
      core_v1::Pod present(**found);
      bool ours = present.metadata().uid() == pod->uid;
      if (ours && !present.spec().node_name().empty()) co_return *found;
      co_return error;
    }
    if (was_refused(found.error())) co_return found.error();
    co_await sleep_for(loop, kLookAgain, stop.token());
  }
  co_return error;
}

// The informers may have been faster: then the queue has forgotten the pod's tries.
void Scheduler::Impl::note_bound(const PodPtr& pod, MonoTime started) {
  metrics.attempt("scheduled", pod->scheduler_name, loop.mono() - started);
  metrics.forget(pod->uid);
  SchedulingQueue::Tries tries = cluster.queue().tries(pod->uid);
  if (tries.attempts == 0) tries = {1, started};
  metrics.scheduled(tries.attempts, loop.mono() - tries.since);
}

Task<void> Scheduler::Impl::bind_volumes(PodPtr pod, VolumePlan plan, MonoTime started) {
  Result<VolumePlan> written = co_await volume_binder.write(plan);
  room.set();
  if (written) {
    volume_waits.spawn(wait_for_volumes(pod, std::move(*written), started));
    co_return;
  }
  volumes_failed(pod, plan, written.error(), started);
}

Task<void> Scheduler::Impl::wait_for_volumes(PodPtr pod, VolumePlan plan, MonoTime started) {
  Duration timeout = profile_of(*pod).args.bind_timeout;
  MonoTime asked = loop.mono();
  Result<void> bound = co_await volume_binder.wait(pod, plan, timeout, stop.token());
  metrics.extension_point("PreBind", bound ? "Success" : "Error", pod->scheduler_name,
                          loop.mono() - asked);
  if (!bound) {
    volumes_failed(pod, plan, bound.error(), started);
    co_return;
  }
  cluster.cache().snapshot().volumes().take_back(plan);
  co_await bind(pod, plan.node, started);
}

void Scheduler::Impl::volumes_failed(const PodPtr& pod, const VolumePlan& plan,
                                     const ApiStatus& error, MonoTime started) {
  cluster.cache().snapshot().volumes().take_back(plan);
  work.set();
  if (!cluster.cache().is_assumed(pod->uid) || stop.stop_requested()) return;
  metrics.attempt("error", pod->scheduler_name, loop.mono() - started);
  bind_failed(pod, plan.node, kPreBindFailed, error);
}

void Scheduler::Impl::bind_failed(const PodPtr& pod, const std::string& node, std::string_view step,
                                  const ApiStatus& error) {
  ++counters.errors;
  if (cluster.cache().forget(pod->uid)) cluster.note_moved(pod, node, true);
  if (error.is_not_found() && !cluster.pod_object(*pod)) {
    cluster.queue().forget(pod->uid, loop.mono());
    return;
  }
  LOG_ERROR("Can't bind a pod", {"pod", pod->key}, {"node", node}, {"err", error});
  cluster.queue().add_after_back_off(pod, loop.mono());
  if (stop.stop_requested()) return;
  report(pod, kSchedulerError, std::string(step) + error.message(), std::nullopt);
}

Task<void> Scheduler::Impl::evict(PodPtr victim, PodPtr preemptor, std::string node) {
  ObjectPtr object = cluster.pod_object(*victim);
  if (!object) co_return;
  std::string ns(victim->ns), name(victim->name);
  co_await patch_status(ns, name,
                        disruption_patch(*object, preemptor->scheduler_name, loop.wall()));
  Result<ObjectPtr> removed =
      co_await client.remove(pod_resource(), ns, name, {.uid = victim->uid});
  if (!removed && !removed.error().is_not_found()) {
    LOG_ERROR("Can't preempt a pod", {"pod", victim->key}, {"err", removed.error()});
    // There will be no room then: the preemptor looks for another.
    cluster.cache().mark_preempted(victim->uid, false);
    std::string kept = cluster.cache().drop_nomination(preemptor->uid);
    if (!kept.empty()) cluster.note_node(kept);
    cluster.queue().retry(preemptor->uid, loop.mono());
    work.set();
    co_return;
  }
  recorder_of(*preemptor)
      .record(*object, "Normal", "Preempted",
              "Preempted by pod " + preemptor->uid + " on node " + node);
}

Scheduler::Scheduler(Loop& loop, client::Client& client, Random& random, Options options)
    : impl_(std::make_unique<Impl>(loop, client, random, std::move(options))) {}
Scheduler::Scheduler(Loop& loop, client::Client& client, Random& random)
    : Scheduler(loop, client, random, Options()) {}
Scheduler::~Scheduler() = default;

void Scheduler::warm() {
  if (std::exchange(impl_->warming, true)) return;
  impl_->factory.start();
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

bool Scheduler::synced() const { return impl_->running; }
const Scheduler::Counters& Scheduler::counters() const { return impl_->counters; }
std::string Scheduler::metrics_text() const {
  SchedulingQueue& queue = impl_->cluster.queue();
  const Cache& cache = impl_->cluster.cache();
  SchedulerMetrics& metrics = impl_->metrics;
  metrics.set_pending({queue.active(), queue.backing_off(), queue.unschedulable(), queue.gated()});
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
