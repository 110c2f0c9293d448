// The new ReplicaSet of a Deployment: its name, its labels, and the revisions in annotations.
#include "base/strings.h"
#include "codec/codec.h"
#include "controllers/controller_revision.h"
#include "controllers/deployment_plan.h"
#include "controllers/resources.h"

namespace tiphys::controllers {

namespace {

constexpr size_t kMaxHistoryText = 2000;

// Annotations that a ReplicaSet does not take over from its Deployment.
bool is_own_annotation(std::string_view key) {
  return key == "kubectl.kubernetes.io/last-applied-configuration" || key == kRevision ||
         key == kRevisionHistory || key == kDesiredReplicas || key == kMaxReplicas ||
         key == "deprecated.deployment.rollback.to";
}

int64_t highest_revision(const ReplicaSetStates& sets) {
  int64_t highest = 0;
  for (const ReplicaSetState* set : sets) highest = std::max(highest, revision_of(*set->object));
  return highest;
}

std::string longer_history(std::string_view history, std::string_view revision) {
  if (history.empty()) return std::string(revision);
  std::string result(history);
  while (result.size() + 1 + revision.size() > kMaxHistoryText) {
    size_t comma = result.find(',');
    if (comma == std::string::npos) return std::string(revision);
    result.erase(0, comma + 1);
  }
  return result + "," + std::string(revision);
}

bool copy_annotations(const meta_v1::ObjectMeta& from, meta_v1::ObjectMetaEdit to) {
  bool changed = false;
  for (auto [key, value] : from.annotations()) {
    if (is_own_annotation(key)) continue;
    auto there = to.view().annotations();
    if (there.contains(key) && there.find(key) == value) continue;
    to.edit_annotations().set(key, value);
    changed = true;
  }
  return changed;
}

// Raises the revision; the one it had goes into the history.
bool raise_revision(meta_v1::ObjectMetaEdit meta, int64_t revision) {
  std::string old(meta.view().annotations().find(kRevision));
  if (parse_int(old).value_or(0) >= revision) return false;
  std::string history(meta.view().annotations().find(kRevisionHistory));
  meta.edit_annotations().set(kRevision, std::to_string(revision));
  if (!old.empty()) {
    meta.edit_annotations().set(kRevisionHistory, longer_history(history, old));
  }
  return true;
}

}  // namespace

// Not upstream's hash (that of a Go value's dump), but as stable: sets are found by template.
std::string DeploymentPlanner::template_hash() const {
  std::string bytes;
  codec::encode_protobuf(core_v1::PodTemplateSpec::message(), deployment_.spec().template_().node(),
                         bytes);
  if (deployment_.status().has_collision_count()) {
    bytes += std::to_string(deployment_.status().collision_count());
  }
  return safe_encoded(std::to_string(fnv32a(bytes)));
}

ObjectPtr DeploymentPlanner::make_new_set(std::string_view hash, int32_t replicas) const {
  meta_v1::ObjectMeta owner = metadata(*world_.deployment);
  Draft draft = apps_v1::ReplicaSet::make();
  apps_v1::ReplicaSetEdit set(draft);
  meta_v1::ObjectMetaEdit meta = set.edit_metadata();
  meta.set_name(std::string(owner.name()) + "-" + std::string(hash));
  meta.set_namespace(owner.namespace_());
  apps_v1::ReplicaSetSpecEdit spec = set.edit_spec();
  spec.set_template(deployment_.spec().template_());
  spec.edit_template().edit_metadata().edit_labels().set(kTemplateHash, hash);
  spec.set_selector(deployment_.spec().selector());
  spec.edit_selector().edit_match_labels().set(kTemplateHash, hash);
  spec.set_replicas(replicas);
  spec.set_min_ready_seconds(deployment_.spec().min_ready_seconds());
  meta.set_labels(spec.view().template_().metadata().labels());
  set_controller(draft, *world_.deployment);
  copy_annotations(owner, meta);
  raise_revision(meta, highest_revision(old_) + 1);
  meta.edit_annotations().set(kDesiredReplicas, std::to_string(limits_.replicas));
  meta.edit_annotations().set(kMaxReplicas, std::to_string(limits_.replicas + limits_.max_surge));
  return draft.freeze();
}

// Another object holds the name: the next round hashes to another.
bool DeploymentPlanner::bump_collisions(std::string_view name) {
  if (!world_.replica_set_named(name)) return false;
  apps_v1::DeploymentEdit(draft_).edit_status().set_collision_count(
      deployment_.status().collision_count() + 1);
  collided_ = true;
  return true;
}

void DeploymentPlanner::sync_new_set() {
  std::string hash = template_hash();
  std::string name = std::string(metadata(*world_.deployment).name()) + "-" + hash;
  if (bump_collisions(name)) return;
  int32_t replicas = new_set_replicas(limits_, 0, sum_wanted(all_));
  ObjectPtr set = make_new_set(hash, replicas);
  Action action = create_action(replica_sets(), set);
  action.tag = "create-replica-set";
  if (replicas > 0) {
    action.success =
        Note{world_.deployment, "Normal", "ScalingReplicaSet",
             "Scaled up replica set " + name + " from 0 to " + std::to_string(replicas)};
    action.name_in_message = false;
  }
  action.failure = Note{world_.deployment, "Warning", "ReplicaSetCreateError",
                        "Failed to create new replica set \"" + name + "\": "};
  decision_.add(std::move(action));
  if (!world_.create_error.empty()) {
    // Told before it is tried again; what is written here must not change from try to try.
    set_condition("Progressing", "False", "ReplicaSetCreateError",
                  "Failed to create new replica set \"" + name + "\": " + world_.create_error);
    return;
  }
  creating_ = true;
  std::string revision(metadata(*set).annotations().find(kRevision));
  edit_metadata(draft_).edit_annotations().set(kRevision, revision);
  if (has_deadline()) {
    set_condition("Progressing", "True", "NewReplicaSetCreated",
                  "Created new replica set \"" + name + "\"");
  }
}

void DeploymentPlanner::annotate_new_set() {
  Draft draft(*new_->object);
  apps_v1::ReplicaSetEdit set(draft);
  bool changed = copy_annotations(metadata(*world_.deployment), set.edit_metadata());
  changed |= raise_revision(set.edit_metadata(), highest_revision(old_) + 1);
  if (set.view().spec().min_ready_seconds() != deployment_.spec().min_ready_seconds()) {
    set.edit_spec().set_min_ready_seconds(deployment_.spec().min_ready_seconds());
    changed = true;
  }
  std::string revision(set.view().metadata().annotations().find(kRevision));
  if (metadata(*world_.deployment).annotations().find(kRevision) != revision) {
    edit_metadata(draft_).edit_annotations().set(kRevision, revision);
  }
  if (has_deadline() && condition("Progressing").type().empty()) {
    set_condition("Progressing", "True", "FoundNewReplicaSet",
                  "Found new replica set \"" + std::string(metadata(*new_->object).name()) + "\"");
  }
  if (changed) edits_.emplace(new_, std::move(draft));
}

}  // namespace tiphys::controllers
