// What follows when no node fits: preemption, the way back into the queue, and telling why.
#include "base/log.h"
#include "kinds/policy_v1.h"
#include "scheduler/pod_signature.h"
#include "scheduler/scheduler_impl.h"
#include "scheduler/status_patch.h"

namespace tiphys::scheduler {
namespace {

constexpr const char* kUnschedulable = "Unschedulable";
constexpr const char* kWaitsForVictims =
    "preemption: not eligible due to a terminating pod on the nominated node.";

// Whether pods that were preempted for it still leave the node it is nominated for.
bool waits_for_victims(const PodInfo& pod, const NodeInfo* node, const Diagnosis& diagnosis) {
  if (node == nullptr) return false;
  const auto& maybe = diagnosis.maybe_by_preemption;
  if (std::ranges::find(maybe, node) == maybe.end()) return false;
  return std::ranges::any_of(node->pods, [&](const PodPtr& other) {
    return other->preempted && other->priority < pod.priority;
  });
}

}  // namespace

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

StartTime Scheduler::Impl::present_start_times() const {
  return [this](const PodInfo& pod) {
    ObjectPtr object = cluster.pod_object(pod);
    return start_time(object ? core_v1::Pod(*object) : pod.view());
  };
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
  return find_candidates(*pod, cache.snapshot(), diagnosis, found, profile_of(*pod), start,
                         present_start_times());
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
    preemption = left ? choose_candidate(std::move(*left), snapshot, present_start_times())
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
      preemption = choose_candidate(std::move(found.list), cluster.cache().snapshot(),
                                    present_start_times());
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
  for (const PodPtr& other : cluster.cache().drop_nominations_below(node, priority)) {
    cluster.queue().retry(other->uid, loop.mono());
    bindings.spawn(patch_status(std::string(other->ns), std::string(other->name),
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

}  // namespace tiphys::scheduler
