// The ControllerRevisions of a DaemonSet: the current one, its number, and how many stay.
#include <algorithm>
#include <set>

#include "controllers/controller_revision.h"
#include "controllers/daemon_plan.h"
#include "controllers/resources.h"

namespace tiphys::controllers {

namespace {

std::string_view hash_of(const ObjectPtr& object) {
  return metadata(*object).labels().find(kPodRevisionLabel);
}

ObjectPtr with_hash(const Object& object, std::string_view hash) {
  Draft draft(object);
  edit_metadata(draft).edit_labels().set(kPodRevisionLabel, hash);
  return draft.freeze();
}

// A patch: its role allows no updates of pods.
std::string hash_patch(const Object& pod, std::string_view hash) {
  return R"({"metadata":{"uid":")" + std::string(metadata(pod).uid()) + R"(","labels":{")" +
         std::string(kPodRevisionLabel) + R"(":")" + std::string(hash) + R"("}}})";
}

}  // namespace

// Revisions that others made have no hash; their names are as unique.
bool DaemonPlanner::label_revisions() {
  bool complete = true;
  for (const ObjectPtr& revision : revisions_) {
    if (!hash_of(revision).empty()) continue;
    std::string name(metadata(*revision).name());
    decision_.add(update_action(controller_revisions(), with_hash(*revision, name)));
    complete = false;
  }
  return complete;
}

bool DaemonPlanner::sync_history() {
  if (!label_revisions()) return false;
  sort_revisions(revisions_);
  std::string data = revision_data(set_.spec().template_());
  std::vector<ObjectPtr> current;
  for (const ObjectPtr& revision : revisions_) {
    bool same = apps_v1::ControllerRevision(*revision).data() == data;
    (same ? current : old_revisions_).push_back(revision);
  }
  int64_t number = next_revision(old_revisions_);
  if (current.empty()) return create_revision(data, number);
  const ObjectPtr& kept = current.back();
  hash_ = hash_of(kept);
  if (current.size() > 1) {
    drop_duplicates(current);
    return false;
  }
  if (apps_v1::ControllerRevision(*kept).revision() < number) {
    decision_.add(update_action(controller_revisions(), renumbered(*kept, number)));
  }
  return true;
}

bool DaemonPlanner::create_revision(std::string_view data, int64_t number) {
  std::optional<int32_t> collisions;
  if (set_.status().has_collision_count()) collisions = set_.status().collision_count();
  hash_ = revision_hash(data, collisions);
  ObjectPtr made = new_revision(*world_.daemon_set, set_.spec().template_(), data, hash_, number,
                                kPodRevisionLabel);
  ObjectPtr holder = world_.revision_named(metadata(*made).name());
  if (!holder) {
    decision_.add(create_action(controller_revisions(), made));
    creating_revision_ = true;
    return true;
  }
  // Somebody else's revision of the same template does as well until it goes.
  if (apps_v1::ControllerRevision(*holder).data() == data) return true;
  Draft draft(*world_.daemon_set);
  apps_v1::DaemonSetEdit(draft).edit_status().set_collision_count(collisions.value_or(0) + 1);
  decision_.add(update_action(daemon_sets(), draft.freeze(), "status"));
  return false;
}

// The pods of the others become pods of the last one.
void DaemonPlanner::drop_duplicates(const std::vector<ObjectPtr>& current) {
  for (const ObjectPtr& duplicate : current) {
    if (duplicate == current.back()) continue;
    for (const ObjectPtr& pod : pods_) {
      if (hash_of(pod) != hash_of(duplicate)) continue;
      decision_.add(patch_action(pods(), pod, hash_patch(*pod, hash_)));
    }
    Action action = delete_action(controller_revisions(), duplicate);
    action.batch = 1;
    decision_.add(std::move(action));
  }
}

// Revisions that pods still have stay, and count for the limit.
void DaemonPlanner::clean_up_history() {
  std::set<std::string_view> hashes;
  for (const ObjectPtr& pod : pods_) hashes.insert(hash_of(pod));
  std::vector<std::string> live;
  for (const ObjectPtr& revision : old_revisions_) {
    if (hashes.contains(hash_of(revision))) live.emplace_back(metadata(*revision).name());
  }
  int32_t limit = set_.spec().revision_history_limit() - static_cast<int32_t>(live.size());
  for (const ObjectPtr& revision : surplus_revisions(old_revisions_, live, limit)) {
    if (metadata(*revision).has_deletion_timestamp()) continue;
    decision_.add(delete_action(controller_revisions(), revision));
  }
}

}  // namespace tiphys::controllers
