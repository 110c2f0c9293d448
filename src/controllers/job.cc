#include "controllers/job.h"

#include <algorithm>

#include "controllers/index_ranges.h"
#include "controllers/ownership.h"
#include "controllers/resources.h"
#include "kinds/pods.h"

namespace tiphys::controllers {

namespace {

// What happens to pods is looked at together.
constexpr Duration kPodsTogether = std::chrono::seconds(1);
// Keys of pods that have a tracking finalizer and no Job to take it off.
constexpr std::string_view kOrphan = "pod:";
constexpr std::string_view kManagedByUs = "kubernetes.io/job-controller";

bool is_managed_elsewhere(const Object& job) {
  batch_v1::JobSpec spec = batch_v1::Job(job).spec();
  return spec.has_managed_by() && spec.managed_by() != kManagedByUs;
}

bool is_job(const meta_v1::OwnerReference& owner) {
  return owner.kind() == jobs().kind && owner.api_version() == "batch/v1";
}

std::string_view completion_mode(const Object& job) {
  return is_indexed(batch_v1::Job(job).spec()) ? "Indexed" : "NonIndexed";
}

bool is_tracked_pod(const ObjectPtr& pod) { return pod && is_tracked(core_v1::Pod(*pod)); }

}  // namespace

JobController::JobController(Context context)
    : Controller(context, "job-controller"), jobs_(watch(jobs())), pods_(watch(pods())) {
  pods_.add_index(std::string(kByController), controller_index_keys);
  jobs_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) { job_changed(old, now); });
  pods_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) { pod_changed(old, now); });
}

void JobController::job_changed(const ObjectPtr& old, const ObjectPtr& now) {
  const Object& job = now ? *now : *old;
  if (!old && is_managed_elsewhere(job)) {
    std::string_view manager = batch_v1::Job(job).spec().managed_by();
    context_.metrics.job.external.with({manager}).add();
  }
  bool status_only =
      old && now && metadata(*old).generation() == metadata(*now).generation() &&
      metadata(*old).has_deletion_timestamp() == metadata(*now).has_deletion_timestamp();
  enqueue_after(client::object_key(job), status_only ? kPodsTogether : Duration::zero());
  if (now && is_finished_job(*now)) wake_tracked_pods(*now);
  bool gone = old && (!now || metadata(*old).uid() != metadata(*now).uid());
  if (!gone) return;
  wake_tracked_pods(*old);
  forget(*old);
}

void JobController::forget(const Object& job) {
  std::string uid(metadata(job).uid());
  back_offs_.erase(uid);
  planned_.erase(uid);
}

// Pods that are still tracked when their Job is over or gone: nobody will count them.
void JobController::wake_tracked_pods(const Object& job) {
  for (const ObjectPtr& pod : pods_.by_index(kByController, metadata(job).uid())) {
    if (is_tracked_pod(pod)) enqueue(std::string(kOrphan) + client::object_key(*pod));
  }
}

void JobController::pod_changed(const ObjectPtr& old, const ObjectPtr& now) {
  count_tracked(old, now);
  // The last step of counting a pod need not wait.
  bool settled = is_tracked_pod(old) && !is_tracked_pod(now);
  Duration delay = settled ? Duration::zero() : kPodsTogether;
  if (old) wake_jobs_of(*old, delay);
  if (!now) return;
  wake_jobs_of(*now, delay);
  ObjectPtr job = job_of(*now);
  if (is_tracked_pod(now) && (!job || is_finished_job(*job))) {
    enqueue(std::string(kOrphan) + client::object_key(*now));
  }
}

ObjectPtr JobController::job_of(const Object& pod) const {
  std::optional<meta_v1::OwnerReference> owner = controller_of(pod);
  if (!owner || !is_job(*owner)) return nullptr;
  ObjectPtr known = jobs_.get(metadata(pod).namespace_(), owner->name());
  return known && metadata(*known).uid() == owner->uid() ? known : nullptr;
}

void JobController::wake_jobs_of(const Object& pod, Duration delay) {
  ObjectPtr job = job_of(pod);
  if (job) enqueue_after(client::object_key(*job), delay);
  if (!controller_of(pod)) wake_adopters(pod);
}

void JobController::wake_adopters(const Object& pod) {
  for (const ObjectPtr& job : jobs_.list(metadata(pod).namespace_())) {
    batch_v1::JobSpec spec = batch_v1::Job(*job).spec();
    LabelSelector selector = selector_of(spec.selector(), spec.has_selector());
    if (selector.matches(metadata(pod).labels().node())) {
      enqueue_after(client::object_key(*job), kPodsTogether);
    }
  }
}

Decision JobController::reconcile(const std::string& key, MicroTime now) {
  if (key.starts_with(kOrphan)) return release_orphan(std::string_view(key).substr(kOrphan.size()));
  auto [ns, name] = client::split_key(key);
  ObjectPtr job = jobs_.get(ns, name);
  if (!job || is_managed_elsewhere(*job)) return {};
  if (!is_finished_job(*job)) return reconcile_job(job, now);
  forget(*job);
  return {};
}

Decision JobController::reconcile_job(const ObjectPtr& job, MicroTime now) {
  batch_v1::JobSpec spec = batch_v1::Job(*job).spec();
  LabelSelector selector = selector_of(spec.selector(), spec.has_selector());
  Claim claimed = claim(*job, selector, claim_candidates(pods_, *job));
  // Pods that change hands are counted once that is done.
  if (!claimed.adopt.empty() || !claimed.release.empty()) {
    Decision decision;
    decision.tag = kJobReconciling;
    add_claim_actions(claimed, jobs(), job, pods(), decision, kJobTracking);
    return decision;
  }
  JobWorld world{job, std::move(claimed.ours), std::nullopt};
  std::string uid(metadata(*job).uid());
  auto known = back_offs_.find(uid);
  if (known != back_offs_.end()) world.back_off = known->second;
  JobPlan plan = JobPlanner(world, now).plan();
  bool writes = std::ranges::any_of(
      plan.decision.actions, [](const Action& action) { return action.tag == kJobStatusTag; });
  if (writes) {
    planned_[uid] = {plan.back_off, job};
  } else {
    back_offs_[uid] = plan.back_off;
  }
  return std::move(plan.decision);
}

// A failure is remembered once the status tells of it, not twice.
void JobController::outcome(const std::string& key, const Action& action, const ApiStatus* error) {
  JobMetrics& metrics = context_.metrics.job;
  if (action.verb == Action::Verb::kCreate) {
    metrics.pod_creations.with({action.tag, error ? "failed" : "succeeded"}).add();
    return;
  }
  if (error || action.tag.empty() || action.verb == Action::Verb::kDelete) return;
  if (action.tag != kJobStatusTag) {
    metrics.policy_failures.with({action.tag}).add();
    return;
  }
  auto planned = planned_.find(std::string(metadata(*action.object).uid()));
  if (planned == planned_.end()) return;
  back_offs_[planned->first] = planned->second.back_off;
  count_status(*planned->second.before, *action.object);
  planned_.erase(planned);
}

void JobController::count_status(const Object& before, const Object& after) {
  JobMetrics& metrics = context_.metrics.job;
  batch_v1::JobStatus from = batch_v1::Job(before).status();
  batch_v1::JobStatus to = batch_v1::Job(after).status();
  batch_v1::JobSpec spec = batch_v1::Job(after).spec();
  std::string_view mode = completion_mode(after);
  double succeeded = to.succeeded() - from.succeeded();
  if (is_indexed(spec)) {
    auto count = [&spec](std::string_view indexes) {
      return static_cast<double>(IndexRanges::parse(indexes, spec.completions()).count());
    };
    succeeded = count(to.completed_indexes()) - count(from.completed_indexes());
    double failed = count(to.failed_indexes()) - count(from.failed_indexes());
    std::string_view limit = spec.has_backoff_limit_per_index() ? "perIndex" : "global";
    metrics.indexes.with({"succeeded", limit}).add(std::max(succeeded, 0.0));
    if (failed > 0) metrics.indexes.with({"failed", limit}).add(failed);
  }
  metrics.pods_finished.with({mode, "succeeded"}).add(std::max(succeeded, 0.0));
  metrics.pods_finished.with({mode, "failed"}).add(std::max(to.failed() - from.failed(), 0));
  for (batch_v1::JobCondition condition : to.conditions()) {
    bool complete = condition.type() == "Complete";
    if (condition.status() != "True" || !(complete || condition.type() == "Failed")) continue;
    metrics.finished.with({mode, complete ? "succeeded" : "failed", condition.reason()}).add();
  }
}

void JobController::decided(const std::string& key, const Decision& decision) {
  if (!decision.tag.empty()) rounds_[key] = decision.tag;
}

void JobController::round_over(const std::string& key, Duration took, const ApiStatus* error) {
  auto round = rounds_.find(key);
  if (round == rounds_.end()) return;
  std::string action = std::move(round->second);
  rounds_.erase(round);
  auto [ns, name] = client::split_key(key);
  ObjectPtr job = jobs_.get(ns, name);
  if (!job) return;
  std::string_view mode = completion_mode(*job);
  std::string_view result = error ? "error" : "success";
  context_.metrics.job.syncs.with({mode, result, action}).add();
  context_.metrics.job.sync_duration.with({mode, result, action})
      .observe(std::chrono::duration<double>(took).count());
}

void JobController::count_tracked(const ObjectPtr& old, const ObjectPtr& now) {
  auto counts = [](const ObjectPtr& pod) {
    return is_tracked_pod(pod) && kinds::is_finished(core_v1::Pod(*pod));
  };
  bool before = counts(old);
  bool after = counts(now);
  if (before != after) context_.metrics.job.tracked.with({after ? "add" : "delete"}).add();
}

Decision JobController::release_orphan(std::string_view pod_key) const {
  Decision decision;
  auto [ns, name] = client::split_key(pod_key);
  ObjectPtr pod = pods_.get(ns, name);
  if (!is_tracked_pod(pod)) return decision;
  std::optional<meta_v1::OwnerReference> owner = controller_of(*pod);
  if (owner && !is_job(*owner)) return decision;
  ObjectPtr job = job_of(*pod);
  if (job && (is_managed_elsewhere(*job) || !is_finished_job(*job))) return decision;
  decision.add(release_action(pod));
  return decision;
}

}  // namespace tiphys::controllers
