#include "controllers/replica_set.h"

#include <algorithm>

#include "controllers/resources.h"
#include "kinds/apps_v1.h"
#include "kinds/pods.h"

namespace tiphys::controllers {

namespace {

// Sets or removes the ReplicaFailure condition.
template <class StatusEdit>
void put_failure(StatusEdit status, const ReplicaFailure* failure, MicroTime now) {
  auto conditions = status.edit_conditions();
  size_t at = 0;
  while (at < conditions.size() && conditions[at].view().type() != "ReplicaFailure") ++at;
  bool there = at < conditions.size();
  if (there && !failure) conditions.erase(at);
  if (!there && failure) {
    auto condition = conditions.append();
    condition.set_type("ReplicaFailure");
    condition.set_status("True");
    condition.set_last_transition_time(now);
    condition.set_reason(failure->reason);
    condition.set_message(failure->message);
  }
  if (conditions.empty()) status.clear_conditions();
}

template <class StatusEdit>
void put_counts(StatusEdit status, const ReplicaCounts& counts, int64_t generation) {
  status.set_replicas(counts.replicas);
  status.set_fully_labeled_replicas(counts.fully_labeled);
  status.set_ready_replicas(counts.ready);
  status.set_available_replicas(counts.available);
  status.set_observed_generation(generation);
}

// The object itself if `draft` says nothing new.
template <class Kind>
ObjectPtr if_changed(const Draft& draft, const Object& old) {
  return equal(Kind(draft).status(), Kind(old).status()) ? nullptr : draft.freeze();
}

}  // namespace

ReplicaController::ReplicaController(Context context, std::string name,
                                     const schema::Resource& resource)
    : Controller(context, std::move(name)),
      resource_(resource),
      owners_(watch(resource)),
      pods_(watch(pods())) {
  pods_.add_index(std::string(kByController), controller_index_keys);
  owners_.add_index(std::string(kByController), controller_index_keys);
  enqueue_changes(owners_);
  pods_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) { pod_changed(old, now); });
}

void ReplicaController::pod_changed(const ObjectPtr& old, const ObjectPtr& now) {
  if (old) enqueue_owner_of(*old);
  if (now) enqueue_owner_of(*now);
}

void ReplicaController::enqueue_owner_of(const Object& pod) {
  auto selector = [this](const ObjectPtr& owner) { return world_of(owner).selector; };
  for (const ObjectPtr& owner : owners_concerned(owners_, resource_.kind, pod, selector)) {
    enqueue(*owner);
  }
}

// Pods of every ReplicaSet of the same Deployment.
std::vector<ObjectPtr> ReplicaController::related_pods(const Object& owner) const {
  std::optional<meta_v1::OwnerReference> above = controller_of(owner);
  if (!above) return pods_.by_index(kByController, metadata(owner).uid());
  std::vector<ObjectPtr> result;
  for (const ObjectPtr& sibling : owners_.by_index(kByController, above->uid())) {
    for (ObjectPtr& pod : pods_.by_index(kByController, metadata(*sibling).uid())) {
      result.push_back(std::move(pod));
    }
  }
  return result;
}

Decision ReplicaController::reconcile(const std::string& key, MicroTime now) {
  auto [ns, name] = client::split_key(key);
  ObjectPtr owner = owners_.get(ns, name);
  if (!owner) {
    failures_.erase(key);
    return {};
  }
  ReplicaWorld world = world_of(owner);
  world.candidates = claim_candidates(pods_, *owner);
  world.related = [this, owner] { return related_pods(*owner); };
  ReplicaPlan plan = plan_replicas(world, now);
  if (plan.missing == 0) failures_.erase(key);
  auto failure = failures_.find(key);
  ObjectPtr changed = with_status(*owner, plan.counts,
                                  failure == failures_.end() ? nullptr : &failure->second, now);
  if (changed) plan.decision.add(update_action(resource_, changed, "status"));
  return std::move(plan.decision);
}

// How old the ready pods that go are, against the youngest one.
void ReplicaController::decided(const std::string& key, const Decision& decision) {
  bool deletes = std::ranges::any_of(decision.actions,
                                     [](const Action& action) { return action.tag == "delete"; });
  auto [ns, name] = client::split_key(key);
  ObjectPtr owner = deletes ? owners_.get(ns, name) : nullptr;
  if (!owner) return;
  MicroTime youngest = 0;
  std::vector<ObjectPtr> all = pods_.by_index(kByController, metadata(*owner).uid());
  for (const ObjectPtr& pod : all) {
    if (!kinds::is_ready(core_v1::Pod(*pod)) || is_deleting(*pod)) continue;
    youngest = std::max(youngest, metadata(*pod).creation_timestamp());
  }
  MicroTime least = context_.loop.wall() - youngest;
  for (const Action& action : decision.actions) {
    if (action.tag != "delete" || !kinds::is_ready(core_v1::Pod(*action.object))) continue;
    MicroTime age = context_.loop.wall() - metadata(*action.object).creation_timestamp();
    double ratio = least <= 0 ? 1 : static_cast<double>(age) / static_cast<double>(least);
    context_.metrics.deletion_age_ratio.get().observe(ratio);
  }
}

void ReplicaController::outcome(const std::string& key, const Action& action,
                                const ApiStatus* error) {
  if (action.tag.empty()) return;
  if (error) {
    failures_[key] = {action.tag == "create" ? "FailedCreate" : "FailedDelete", error->message()};
  } else {
    failures_.erase(key);
  }
}

ReplicaSetController::ReplicaSetController(Context context)
    : ReplicaController(context, "replicaset-controller", replica_sets()) {}

ReplicaWorld ReplicaSetController::world_of(const ObjectPtr& owner) const {
  apps_v1::ReplicaSetSpec spec = apps_v1::ReplicaSet(*owner).spec();
  ReplicaWorld world;
  world.owner = owner;
  world.resource = &replica_sets();
  world.selector = selector_of(spec.selector(), spec.has_selector());
  world.replicas = spec.has_replicas() ? spec.replicas() : 1;
  world.min_ready_seconds = spec.min_ready_seconds();
  world.pod_template = spec.template_();
  return world;
}

ObjectPtr ReplicaSetController::with_status(const Object& owner, const ReplicaCounts& counts,
                                            const ReplicaFailure* failure, MicroTime now) const {
  Draft draft(owner);
  apps_v1::ReplicaSetStatusEdit status = apps_v1::ReplicaSetEdit(draft).edit_status();
  put_counts(status, counts, metadata(owner).generation());
  status.set_terminating_replicas(counts.terminating);
  put_failure(status, failure, now);
  return if_changed<apps_v1::ReplicaSet>(draft, owner);
}

ReplicationControllerController::ReplicationControllerController(Context context)
    : ReplicaController(context, "replicationcontroller-controller", replication_controllers()) {
  event_source_ = "replication-controller";
}

ReplicaWorld ReplicationControllerController::world_of(const ObjectPtr& owner) const {
  core_v1::ReplicationControllerSpec spec = core_v1::ReplicationController(*owner).spec();
  ReplicaWorld world;
  world.owner = owner;
  world.resource = &replication_controllers();
  world.selector = spec.selector().empty() ? LabelSelector::nothing()
                                           : LabelSelector::from_map(spec.selector().node());
  world.replicas = spec.has_replicas() ? spec.replicas() : 1;
  world.min_ready_seconds = spec.min_ready_seconds();
  world.pod_template = spec.template_();
  return world;
}

ObjectPtr ReplicationControllerController::with_status(const Object& owner,
                                                       const ReplicaCounts& counts,
                                                       const ReplicaFailure* failure,
                                                       MicroTime now) const {
  Draft draft(owner);
  core_v1::ReplicationControllerStatusEdit status =
      core_v1::ReplicationControllerEdit(draft).edit_status();
  put_counts(status, counts, metadata(owner).generation());
  put_failure(status, failure, now);
  return if_changed<core_v1::ReplicationController>(draft, owner);
}

}  // namespace tiphys::controllers
