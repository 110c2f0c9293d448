#include "controllers/stateful_set_plan.h"

#include <algorithm>

#include "controllers/controller_revision.h"
#include "controllers/pod_state.h"
#include "controllers/resources.h"
#include "controllers/stateful_pod.h"

namespace tiphys::controllers {

StatefulSetPlanner::StatefulSetPlanner(const StatefulSetWorld& world, MicroTime now)
    : world_(world), now_(now), set_(*world.set) {}

bool StatefulSetPlanner::is_available(const Object& pod) const {
  return is_pod_available(core_v1::Pod(pod), set_.spec().min_ready_seconds(), now_) &&
         !is_deleting(pod);
}

bool StatefulSetPlanner::ordered() const {
  return set_.spec().pod_management_policy() != "Parallel";
}

int64_t StatefulSetPlanner::start() const { return set_.spec().ordinals().start(); }

int64_t StatefulSetPlanner::end() const {
  return start() + (set_.spec().has_replicas() ? set_.spec().replicas() : 1);
}

ClaimUser StatefulSetPlanner::user(int64_t ordinal, const Object* pod) const {
  return {*world_.set, stateful_pod_name(set_.metadata().name(), ordinal), pod,
          ordinal >= start() && ordinal < end()};
}

Note StatefulSetPlanner::note(std::string_view type, std::string_view reason,
                              std::string message) const {
  return {world_.set, std::string(type), std::string(reason), std::move(message)};
}

void StatefulSetPlanner::tell(Action& action, std::string_view verb,
                              std::string_view pod_name) const {
  std::string title(verb);
  title[0] = static_cast<char>(title[0] - 'a' + 'A');
  std::string what = std::string(verb) + " Pod " + std::string(pod_name) + " in StatefulSet " +
                     std::string(set_.metadata().name());
  action.success = note("Normal", "Successful" + title, what + " successful");
  action.failure = note("Warning", "Failed" + title, what + " failed error: ");
  action.name_in_message = false;
}

// A pod is the set's by its labels and by its name.
bool StatefulSetPlanner::claim_members() {
  LabelSelector selector = selector_of(set_.spec().selector(), set_.spec().has_selector());
  std::vector<ObjectPtr> candidates;
  std::vector<ObjectPtr> misnamed;
  for (const ObjectPtr& pod : world_.pods) {
    if (ordinal_of(set_.metadata().name(), *pod)) {
      candidates.push_back(pod);
    } else if (is_controlled_by(*pod, set_.metadata().uid())) {
      misnamed.push_back(pod);
    }
  }
  Claim claimed = claim(*world_.set, selector, candidates);
  if (!is_deleting(*world_.set)) {
    claimed.release.insert(claimed.release.end(), misnamed.begin(), misnamed.end());
  }
  add_claim_actions(claimed, stateful_sets(), world_.set, pods(), decision_);
  bool owns_revisions = claim_revisions(selector);
  if (!claimed.adopt.empty() || !claimed.release.empty() || !owns_revisions) return false;
  arrange(claimed.ours);
  return true;
}

// Revisions are adopted, never let go.
bool StatefulSetPlanner::claim_revisions(const LabelSelector& selector) {
  Claim claimed = claim(*world_.set, selector, world_.revisions);
  claimed.release.clear();
  add_claim_actions(claimed, stateful_sets(), world_.set, controller_revisions(), decision_);
  revisions_ = std::move(claimed.ours);
  sort_revisions(revisions_);
  return claimed.adopt.empty();
}

void StatefulSetPlanner::arrange(const std::vector<ObjectPtr>& pods) {
  for (const ObjectPtr& pod : pods) {
    int64_t ordinal = *ordinal_of(set_.metadata().name(), *pod);
    if (ordinal >= start() && ordinal < end()) {
      replicas_[ordinal] = pod;
    } else {
      condemned_.push_back({ordinal, pod});
    }
  }
  std::ranges::sort(condemned_, std::greater(), &Member::ordinal);
}

// A newer revision is there.
bool StatefulSetPlanner::is_passed(const Object& revision, int64_t next) const {
  return &revision != revisions_.back().get() &&
         apps_v1::ControllerRevision(revision).revision() < next;
}

bool StatefulSetPlanner::choose_revisions() {
  std::string data = revision_data(set_.spec().template_());
  update_ = find_revision(revisions_, data);
  bool dies = is_deleting(*world_.set);
  if (!update_) {
    if (dies || !create_revision(data)) return false;
  } else if (int64_t next = next_revision(revisions_); is_passed(*update_, next) && !dies) {
    // Back to an earlier template: its revision becomes the newest.
    decision_.add(update_action(controller_revisions(), renumbered(*update_, next)));
    return false;
  }
  current_ = update_;
  for (const ObjectPtr& revision : revisions_) {
    if (name_of(*revision) == set_.status().current_revision()) current_ = revision;
  }
  return true;
}

// True: a revision of the name holds this very template already.
bool StatefulSetPlanner::create_revision(const std::string& data) {
  int32_t collisions = set_.status().collision_count();
  ObjectPtr revision = new_revision(*world_.set, set_.spec().template_(), data,
                                    revision_hash(data, collisions), next_revision(revisions_));
  ObjectPtr there = world_.revision_named(name_of(*revision));
  if (there && apps_v1::ControllerRevision(*there).data() == data) {
    update_ = there;
    return true;
  }
  if (there) {
    // Another object holds the name: the next round hashes to another.
    Draft draft(*world_.set);
    apps_v1::StatefulSetEdit(draft).edit_status().set_collision_count(collisions + 1);
    decision_.add(update_action(stateful_sets(), draft.freeze(), "status"));
    return false;
  }
  decision_.add(create_action(controller_revisions(), revision));
  return false;
}

void StatefulSetPlanner::truncate_history() {
  if (!set_.spec().has_revision_history_limit()) return;
  std::vector<std::string> live = {std::string(name_of(*current_)), std::string(name_of(*update_))};
  auto add_revision_of = [&](const Object& pod) {
    live.emplace_back(metadata(pod).labels().find(kPodRevisionLabel));
  };
  for (const auto& [ordinal, pod] : replicas_) add_revision_of(*pod);
  for (const Member& member : condemned_) add_revision_of(*member.pod);
  int32_t limit = set_.spec().revision_history_limit();
  for (const ObjectPtr& revision : surplus_revisions(revisions_, live, limit)) {
    decision_.add(delete_action(controller_revisions(), revision));
  }
}

Decision StatefulSetPlanner::plan() {
  if (!claim_members() || !choose_revisions()) return std::move(decision_);
  put_status();
  truncate_history();
  if (is_deleting(*world_.set)) return std::move(decision_);
  look_when_available();
  if (!keep_replicas()) return std::move(decision_);
  for (const Member& member : condemned_) fix_claim_owners(member.ordinal, *member.pod);
  if (!scale_down()) return std::move(decision_);
  roll();
  return std::move(decision_);
}

}  // namespace tiphys::controllers
