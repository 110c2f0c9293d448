// The pods of a StatefulSet: which are created, repaired, and deleted next.
#include "controllers/controller_revision.h"
#include "controllers/resources.h"
#include "controllers/stateful_pod.h"
#include "controllers/stateful_set_plan.h"
#include "kinds/pods.h"
#include "object/int_or_string.h"

namespace tiphys::controllers {

// In order: up to the first pod that is missing or not available. Parallel: all of them; creations
// start slowly (1, 2, 4...), each batch after one of its claims.
bool StatefulSetPlanner::keep_replicas() {
  int64_t created = 0;
  int64_t left_in_batch = 1;
  int64_t batch_size = 1;
  for (int64_t ordinal = start(); ordinal < end(); ++ordinal) {
    auto found = replicas_.find(ordinal);
    if (found != replicas_.end()) {
      bool go_on = keep_replica(ordinal, found->second);
      if (!go_on && ordered()) return false;
      continue;
    }
    create_replica(ordinal);
    if (ordered() || ++created == kStatefulBurst) return false;
    if (--left_in_batch > 0) continue;
    batch_size *= 2;
    left_in_batch = batch_size;
    batch_ += 2;
  }
  if (left_in_batch < batch_size) batch_ += 2;
  return true;
}

// True: it is there and available, in order.
bool StatefulSetPlanner::keep_replica(int64_t ordinal, const ObjectPtr& pod) {
  core_v1::Pod view(*pod);
  if (kinds::is_finished(view)) {
    // Its successor is made when it is gone.
    if (!is_deleting(*pod)) delete_pod(pod);
    return false;
  }
  if (view.status().phase() == "Pending") {
    if (!create_missing_claims(ordinal, pod.get())) return false;
    fix_claim_owners(ordinal, *pod);
  }
  if (ordered() && !is_available(*pod)) return false;
  if (ordered() && view.status().phase() != "Running") return false;
  return repair(ordinal, *pod);
}

bool StatefulSetPlanner::repair(int64_t ordinal, const Object& pod) {
  core_v1::Pod view(pod);
  bool storage = storage_matches(set_, view, ordinal);
  if (!storage && !create_missing_claims(ordinal, &pod)) return false;
  if (view.status().phase() != "Pending" && fix_claim_owners(ordinal, pod)) {
    tell(decision_.actions.back(), "update", name_of(pod));
  }
  if (storage && identity_matches(view)) return true;
  Action& action = decision_.add(update_action(pods(), repaired_pod(set_, pod, ordinal)));
  tell(action, "update", name_of(pod));
  return true;
}

ObjectPtr StatefulSetPlanner::claim_of(const core_v1::PersistentVolumeClaim& claim_template,
                                       int64_t ordinal) const {
  return world_.claim_named(stateful_claim_name(claim_template, set_.metadata().name(), ordinal));
}

void StatefulSetPlanner::create_replica(int64_t ordinal) {
  for (core_v1::PersistentVolumeClaim claim : set_.spec().volume_claim_templates()) {
    ObjectPtr there = claim_of(claim, ordinal);
    if (there && is_claim_stale(*there, user(ordinal, nullptr))) return;
  }
  if (!create_missing_claims(ordinal, nullptr)) return;
  ObjectPtr pod = new_pod(ordinal);
  if (!pod) return;
  Action action = create_action(pods(), pod);
  action.batch = batch_ + 1;
  tell(action, "create", name_of(*pod));
  decision_.add(std::move(action));
}

// Pods below the partition are of the current revision, the others of the newest.
ObjectPtr StatefulSetPlanner::new_pod(int64_t ordinal) {
  apps_v1::StatefulSetUpdateStrategy strategy = set_.spec().update_strategy();
  int64_t kept = strategy.has_rolling_update()        ? strategy.rolling_update().partition()
                 : strategy.type() == "RollingUpdate" ? set_.status().current_replicas()
                                                      : 0;
  if (ordinal >= start() + kept || current_ == update_) {
    return new_stateful_pod(*world_.set, set_.spec().template_(), name_of(*update_), ordinal);
  }
  Arena arena;
  Result<core_v1::PodTemplateSpec> current = revision_template(*current_, arena);
  if (current) return new_stateful_pod(*world_.set, *current, name_of(*current_), ordinal);
  note_creation_failure(ordinal, current.error().message());
  return nullptr;
}

// False: one is being deleted, and the pod has to wait for it.
bool StatefulSetPlanner::create_missing_claims(int64_t ordinal, const Object* pod) {
  for (core_v1::PersistentVolumeClaim claim : set_.spec().volume_claim_templates()) {
    ObjectPtr there = claim_of(claim, ordinal);
    if (!there) {
      create_claim(new_stateful_claim(claim, user(ordinal, pod), ordinal), ordinal, pod);
    } else if (is_deleting(*there)) {
      std::string name(name_of(*there));
      if (!pod) note_creation_failure(ordinal, "pvc " + name + " is being deleted");
      return false;
    }
  }
  return true;
}

// `pod` is null if it waits for the claim.
void StatefulSetPlanner::create_claim(const ObjectPtr& claim, int64_t ordinal, const Object* pod) {
  std::string pod_name = stateful_pod_name(set_.metadata().name(), ordinal);
  Action action = create_action(persistent_volume_claims(), claim);
  if (!pod) {
    tell(action, "create", pod_name);
    action.tag = action.failure->message;
    action.batch = batch_;
  }
  action.exists_is_fine = true;
  action.name_in_message = false;
  std::string what = "create Claim " + std::string(name_of(*claim)) + " ";
  std::string where = "Pod " + pod_name + " in StatefulSet " + std::string(set_.metadata().name());
  action.success = note("Normal", "SuccessfulCreate", what + where + " success");
  action.failure = note("Warning", "FailedCreate", what + "for " + where + " failed error: ");
  decision_.add(std::move(action));
}

void StatefulSetPlanner::note_creation_failure(int64_t ordinal, const std::string& why) {
  Action action;
  tell(action, "create", stateful_pod_name(set_.metadata().name(), ordinal));
  action.success = std::move(action.failure);
  action.success->message += why;
  decision_.add(std::move(action));
}

bool StatefulSetPlanner::fix_claim_owners(int64_t ordinal, const Object& pod) {
  bool changed = false;
  ClaimUser of = user(ordinal, &pod);
  for (core_v1::PersistentVolumeClaim claim : set_.spec().volume_claim_templates()) {
    ObjectPtr there = claim_of(claim, ordinal);
    if (!there || claim_owners_match(*there, of)) continue;
    decision_.add(update_action(persistent_volume_claims(), with_claim_owners(*there, of)));
    changed = true;
  }
  return changed;
}

// In order one at a time, from the highest ordinal: a pod that is not available waits for those
// below it, unless it is the last such. False: a pod goes, and updates wait.
bool StatefulSetPlanner::scale_down() {
  if (!ordered()) {
    for (const Member& member : condemned_) {
      if (!is_deleting(*member.pod)) delete_pod(member.pod);
    }
    return true;
  }
  if (condemned_.empty()) return true;
  const ObjectPtr& last = condemned_.front().pod;
  if (is_deleting(*last)) return false;
  bool others_unavailable = false;
  for (size_t i = 1; i < condemned_.size(); ++i) {
    others_unavailable = others_unavailable || !is_available(*condemned_[i].pod);
  }
  if (is_available(*last) || !others_unavailable) delete_pod(last);
  return false;
}

void StatefulSetPlanner::delete_pod(const ObjectPtr& pod) {
  if (!deleted_.insert(pod.get()).second) return;
  Action action = delete_action(pods(), pod);
  action.batch = batch_ + 1;
  tell(action, "delete", name_of(*pod));
  decision_.add(std::move(action));
}

// Old pods go from the highest ordinal down to the partition, as many as may be unavailable.
std::optional<int32_t> max_unavailable_of(const apps_v1::StatefulSetSpec& spec) {
  auto rolling = spec.update_strategy().rolling_update();
  if (!rolling.has_max_unavailable()) return 1;
  Result<int32_t> scaled = scaled_value(rolling.max_unavailable(), spec.replicas(), false);
  return scaled ? std::optional(std::max(*scaled, 1)) : std::nullopt;
}

void StatefulSetPlanner::roll() {
  apps_v1::StatefulSetUpdateStrategy strategy = set_.spec().update_strategy();
  if (strategy.type() != "RollingUpdate") return;
  std::optional<int32_t> limit = max_unavailable_of(set_.spec());
  if (!limit) return;
  int64_t wanted = end() - start();
  int64_t available = 0;
  for (const auto& [ordinal, pod] : replicas_) available += is_available(*pod) ? 1 : 0;
  int64_t budget = *limit - (wanted - available);
  int64_t first = start() + strategy.rolling_update().partition();
  for (auto at = replicas_.rbegin(); at != replicas_.rend() && at->first >= first; ++at) {
    const ObjectPtr& pod = at->second;
    bool old = metadata(*pod).labels().find(kPodRevisionLabel) != name_of(*update_);
    if (!old || is_deleting(*pod)) continue;
    // A parallel set's old pods that are not available anyway cost nothing: a rollout that is stuck
    // goes on.
    bool free = !ordered() && !is_available(*pod);
    if (free || budget > 0) delete_pod(pod);
    if (!free) --budget;
  }
}

}  // namespace tiphys::controllers
