#include "controllers/deployment_plan.h"

#include "controllers/pod_state.h"
#include "controllers/resources.h"
#include "kinds/pods.h"

namespace tiphys::controllers {

namespace {

// pod templates are equal but for the hash label that a ReplicaSet's has.
bool same_template(const core_v1::PodTemplateSpec& a, const core_v1::PodTemplateSpec& b) {
  if (!equal(a.spec(), b.spec())) return false;
  auto stripped = [](const core_v1::PodTemplateSpec& from) {
    Draft draft(core_v1::PodTemplateSpec::message());
    core_v1::PodTemplateSpecEdit edit(draft);
    edit.set_metadata(from.metadata());
    auto labels = edit.edit_metadata().edit_labels();
    labels.erase(kTemplateHash);
    if (labels.empty()) edit.edit_metadata().clear_labels();
    return draft;
  };
  Draft left = stripped(a);
  Draft right = stripped(b);
  return equal(View(left), View(right));
}

}  // namespace

DeploymentPlanner::DeploymentPlanner(const DeploymentWorld& world, MicroTime now)
    : world_(world),
      now_(now),
      deployment_(*world.deployment),
      limits_(rollout_limits(deployment_)),
      draft_(*world.deployment) {}

// False: ReplicaSets change hands first.
bool DeploymentPlanner::claim_sets() {
  LabelSelector selector =
      selector_of(deployment_.spec().selector(), deployment_.spec().has_selector());
  Claim claimed = claim(*world_.deployment, selector, world_.candidates);
  add_claim_actions(claimed, deployments(), world_.deployment, replica_sets(), decision_);
  for (const ObjectPtr& object : claimed.ours) {
    apps_v1::ReplicaSet set(*object);
    int32_t replicas = set.spec().has_replicas() ? set.spec().replicas() : 1;
    sets_.push_back({object, replicas, replicas});
    all_.push_back(&sets_.back());
  }
  return claimed.adopt.empty() && claimed.release.empty();
}

// The oldest with the Deployment's template, so that duplicates don't make it flap.
void DeploymentPlanner::find_new_set() {
  sort_by_age(all_);
  for (ReplicaSetState* set : all_) {
    bool match =
        !new_ && same_template(set->view().spec().template_(), deployment_.spec().template_());
    if (match) {
      new_ = set;
    } else {
      old_.push_back(set);
    }
  }
}

ReplicaSetStates DeploymentPlanner::active(const ReplicaSetStates& sets) const {
  ReplicaSetStates result;
  for (ReplicaSetState* set : sets) {
    if (set->was > 0) result.push_back(set);
  }
  return result;
}

bool DeploymentPlanner::is_scaling_event() const {
  for (const ReplicaSetState* set : active(all_)) {
    auto annotations = metadata(*set->object).annotations();
    if (!annotations.contains(kDesiredReplicas)) continue;
    if (number_in(annotations, kDesiredReplicas) != limits_.replicas) return true;
  }
  return false;
}

void DeploymentPlanner::scale() {
  ReplicaSetStates running = active(all_);
  ReplicaSetState* only = nullptr;
  if (running.size() == 1) only = running[0];
  if (running.empty()) only = new_ ? new_ : old_.empty() ? nullptr : old_.back();
  if (only) {
    only->wanted = limits_.replicas;
    return;
  }
  bool saturated =
      new_ && new_->was == limits_.replicas &&
      number_in(metadata(*new_->object).annotations(), kDesiredReplicas) == limits_.replicas &&
      new_->status().available_replicas() == limits_.replicas;
  if (saturated) {
    for (ReplicaSetState* set : active(old_)) set->wanted = 0;
  } else if (limits_.rolling) {
    scale_proportionally(limits_, deployment_.status().replicas(), running);
  }
}

void DeploymentPlanner::roll() {
  if (!new_) return;
  new_->wanted = new_->was > limits_.replicas
                     ? limits_.replicas
                     : new_set_replicas(limits_, new_->was, sum_wanted(all_));
  if (new_->wanted != new_->was) return;
  shrink_old_sets(limits_, all_, active(old_), new_);
}

bool DeploymentPlanner::old_pods_run() const {
  if (sum_actual(old_) > 0) return true;
  for (const ReplicaSetState* set : old_) {
    for (const ObjectPtr& pod : world_.pods_of(metadata(*set->object).uid())) {
      if (!kinds::is_finished(core_v1::Pod(*pod))) return true;
    }
  }
  return false;
}

void DeploymentPlanner::recreate() {
  ReplicaSetStates running = active(old_);
  for (ReplicaSetState* set : running) set->wanted = 0;
  if (!running.empty() || old_pods_run()) return;
  if (!new_) {
    sync_new_set();
  } else {
    new_->wanted = limits_.replicas;
  }
}

bool DeploymentPlanner::sizes_changed() const {
  return std::ranges::any_of(sets_, [](const ReplicaSetState& s) { return s.was != s.wanted; });
}

void DeploymentPlanner::emit_sizes() {
  std::string desired = std::to_string(limits_.replicas);
  std::string most = std::to_string(limits_.replicas + limits_.max_surge);
  bool scaling = is_scaling_event();
  for (ReplicaSetState& set : sets_) {
    auto edit = edits_.find(&set);
    bool resized = set.was != set.wanted;
    // Sets keep the wish that they were scaled for, for the proportions of the next change.
    bool renote = resized || (scaling && set.was > 0);
    if (!renote && edit == edits_.end()) continue;
    Draft draft = edit == edits_.end() ? Draft(*set.object) : std::move(edit->second);
    apps_v1::ReplicaSetEdit change(draft);
    if (renote) {
      change.edit_metadata().edit_annotations().set(kDesiredReplicas, desired);
      change.edit_metadata().edit_annotations().set(kMaxReplicas, most);
    }
    change.edit_spec().set_replicas(set.wanted);
    Action action = update_action(replica_sets(), draft.freeze());
    if (resized) {
      std::string name(metadata(*set.object).name());
      std::string way = set.wanted > set.was ? "up" : "down";
      action.success = Note{world_.deployment, "Normal", "ScalingReplicaSet",
                            "Scaled " + way + " replica set " + name + " from " +
                                std::to_string(set.was) + " to " + std::to_string(set.wanted)};
    }
    decision_.add(std::move(action));
  }
}

// Old ReplicaSets beyond the history limit, oldest revisions first.
void DeploymentPlanner::clean_up() {
  apps_v1::DeploymentSpec spec = deployment_.spec();
  if (!spec.has_revision_history_limit() || spec.revision_history_limit() == INT32_MAX) return;
  ReplicaSetStates alive;
  for (ReplicaSetState* set : old_) {
    if (!metadata(*set->object).has_deletion_timestamp()) alive.push_back(set);
  }
  std::ranges::sort(alive, {},
                    [](const ReplicaSetState* set) { return revision_of(*set->object); });
  auto surplus = static_cast<int64_t>(alive.size()) - spec.revision_history_limit();
  for (int64_t i = 0; i < surplus; ++i) {
    const ReplicaSetState& set = *alive[static_cast<size_t>(i)];
    bool busy = set.status().replicas() != 0 || set.was != 0 || set.wanted != 0 ||
                metadata(*set.object).generation() > set.status().observed_generation();
    if (!busy) decision_.add(delete_action(replica_sets(), set.object));
  }
}

Decision DeploymentPlanner::plan() {
  meta_v1::LabelSelector selector = deployment_.spec().selector();
  if (selector.match_labels().empty() && selector.match_expressions().empty()) {
    apps_v1::DeploymentEdit(draft_).edit_status().set_observed_generation(
        metadata(*world_.deployment).generation());
    emit_status(0);
    return std::move(decision_);
  }
  if (!claim_sets()) return std::move(decision_);
  find_new_set();
  bool dies = metadata(*world_.deployment).has_deletion_timestamp();
  if (!dies) sync_paused_condition();
  bool paused = deployment_.spec().paused();
  bool only_scale = paused || is_scaling_event();
  if (dies) {
    count_status();
    emit_status(0);
    return std::move(decision_);
  }
  if (new_) annotate_new_set();
  if (only_scale) {
    scale();
    if (paused) clean_up();
  } else if (limits_.rolling) {
    if (!new_) sync_new_set();
    roll();
  } else {
    recreate();
  }
  emit_sizes();
  count_status();
  if (!only_scale) {
    if (complete() && !sizes_changed()) clean_up();
    judge_progress();
    look_when_stuck();
  }
  report_failures();
  emit_status(creating_ ? 1 : 0);
  return std::move(decision_);
}

}  // namespace tiphys::controllers
