// Which pods a Job makes and deletes.
#include <algorithm>

#include "controllers/job_plan.h"
#include "controllers/pod_control.h"
#include "controllers/pod_state.h"

namespace tiphys::controllers {

namespace {

constexpr Duration kSoonest = std::chrono::seconds(1);
constexpr int kSurplusBatch = 2;  // after the status and what it accounts for
constexpr int kDeletionBatch = 3;

std::vector<ObjectPtr> first_to_go(std::vector<ObjectPtr> pods, MicroTime now) {
  std::ranges::sort(
      pods, [&](const ObjectPtr& a, const ObjectPtr& b) { return deleted_before({a}, {b}, now); });
  return pods;
}

}  // namespace

// Failed pods whose failures the next pod of their index will inherit stay until it is there.
void JobPlanner::delay_deletions() {
  std::set<int32_t> active;
  for (const Member* member : active_) {
    if (member->index) active.insert(*member->index);
  }
  auto failures = [](const Member& member) {
    return index_failures(member.pod) + index_ignored_failures(member.pod);
  };
  for (const Member& member : members_) {
    if (!member.tracked || !member.failed || !member.index) continue;
    int32_t index = *member.index;
    bool over = succeeded_indexes_.has(index) || failed_indexes_.has(index);
    if (over || active.contains(index)) continue;
    const Member*& last = delayed_[index];
    bool later = last && failures(*last) <= failures(member) &&
                 finish_time(last->pod) <= finish_time(member.pod);
    if (!last || later) last = &member;
  }
}

int32_t JobPlanner::wanted_active() const {
  auto active = static_cast<int32_t>(active_.size());
  if (!spec_.has_completions()) return succeeded_ > 0 ? active : spec_.parallelism();
  int64_t most = std::max(spec_.parallelism(), 0);
  return static_cast<int32_t>(std::clamp<int64_t>(spec_.completions() - succeeded_, 0, most));
}

// Pods without a proper index and doubles of an index go anyway.
std::vector<ObjectPtr> JobPlanner::surplus(size_t at_least) const {
  std::vector<ObjectPtr> surplus;
  std::vector<ObjectPtr> left;
  std::map<int32_t, std::vector<ObjectPtr>> by_index;
  for (const Member* member : active_) {
    if (!indexed_) left.push_back(member->object);
    if (indexed_ && !member->index) surplus.push_back(member->object);
    if (member->index) by_index[*member->index].push_back(member->object);
  }
  for (auto& [index, same] : by_index) {
    std::vector<ObjectPtr> ordered = first_to_go(std::move(same), now_);
    left.push_back(ordered.back());
    surplus.insert(surplus.end(), ordered.begin(), ordered.end() - 1);
  }
  if (surplus.size() >= at_least) return surplus;
  left = first_to_go(std::move(left), now_);
  size_t more = std::min(at_least - surplus.size(), left.size());
  surplus.insert(surplus.end(), left.begin(), left.begin() + static_cast<ptrdiff_t>(more));
  return surplus;
}

void JobPlanner::manage_pods() {
  auto active = static_cast<int32_t>(active_.size());
  int32_t wanted = spec_.suspend() ? 0 : wanted_active();
  plan_.decision.tag = spec_.suspend() ? kJobDeletes : kJobTracks;
  deletions_ = surplus(static_cast<size_t>(std::max(active - wanted, 0)));
  if (!spec_.suspend() && deletions_.size() > kMaxJobPodsAtOnce) {
    deletions_.resize(kMaxJobPodsAtOnce);
  }
  if (!deletions_.empty()) {
    plan_.decision.tag = kJobDeletes;
    return;
  }
  int32_t leaving = replaces_failed_only(spec_) ? terminating_ : 0;
  int32_t missing = wanted - active - leaving;
  if (missing <= 0) return;
  plan_.decision.tag = kJobCreates;
  plan_creations(std::min(missing, static_cast<int32_t>(kMaxJobPodsAtOnce)));
}

void JobPlanner::plan_creations(int32_t count) {
  if (!per_index_) {
    Duration left = back_off_left(plan_.back_off, now_);
    if (left > Duration::zero()) {
      plan_.decision.look_again_in(std::max(left, kSoonest));
      return;
    }
  }
  ObjectPtr pod = new_job_pod(*world_.job);
  if (!indexed_) {
    creations_.assign(static_cast<size_t>(count), pod);
    return;
  }
  for (int32_t index : indexes_to_make(count)) {
    auto replaced = delayed_.find(index);
    const Object* before = replaced == delayed_.end() ? nullptr : replaced->second->object.get();
    creations_.push_back(new_indexed_pod(*world_.job, *pod, index, before));
  }
}

std::vector<int32_t> JobPlanner::indexes_to_make(int32_t count) {
  std::vector<int32_t> taken;
  for (const Member& member : members_) {
    bool active = is_pod_active(member.pod);
    bool leaving = replaces_failed_only(spec_) && !active && !member.succeeded && !member.failed;
    if (member.index && (active || leaving)) taken.push_back(*member.index);
  }
  IndexRanges not_pending = succeeded_indexes_;
  not_pending.add(failed_indexes_);
  not_pending.add(taken);
  std::vector<int32_t> indexes = not_pending.first_missing(count, spec_.completions());
  std::erase_if(indexes, [&](int32_t index) {
    auto replaced = delayed_.find(index);
    if (replaced == delayed_.end()) return false;
    core_v1::Pod before = replaced->second->pod;
    int32_t failures = index_failures(before) + index_ignored_failures(before) + 1;
    Duration left = back_off_left({failures, finish_time(before)}, now_);
    if (left > Duration::zero()) plan_.decision.look_again_in(std::max(left, kSoonest));
    return left > Duration::zero();
  });
  return indexes;
}

// Surplus pods don't count as failed: they are released before they are deleted.
void JobPlanner::add_deletions() {
  for (const ObjectPtr& pod : deletions_) {
    if (!ending_ && is_tracked(core_v1::Pod(*pod))) {
      plan_.decision.add(release_action(pod)).batch = kSurplusBatch;
    }
    plan_.decision.add(delete_pod_action(pod, world_.job)).batch = kDeletionBatch;
  }
}

std::string_view JobPlanner::creation_reason() const {
  if (failed_ > 0 && replaces_failed_only(spec_)) return "recreate_failed";
  return failed_ > 0 || terminating_ > 0 ? "recreate_terminating_or_failed" : "new";
}

void JobPlanner::add_creations() {
  SlowStart start(kDeletionBatch + 1);
  for (const ObjectPtr& pod : creations_) {
    Action& action = plan_.decision.add(create_pod_action(pod, world_.job));
    action.batch = start.next();
    action.tag = creation_reason();
  }
}

}  // namespace tiphys::controllers
