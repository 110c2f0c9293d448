#include "controllers/job_plan.h"

#include <algorithm>

#include "base/time_math.h"
#include "client/object_key.h"
#include "controllers/job_policies.h"
#include "controllers/pod_state.h"
#include "kinds/pods.h"

namespace tiphys::controllers {

using client::metadata;

namespace {

batch_v1::JobCondition true_condition(batch_v1::JobStatus status, std::string_view type) {
  for (batch_v1::JobCondition condition : status.conditions()) {
    if (condition.type() == type && condition.status() == "True") return condition;
  }
  return batch_v1::JobCondition();
}

int64_t restarts(const core_v1::Pod& pod) {
  int64_t sum = 0;
  for (auto status : pod.status().init_container_statuses()) sum += status.restart_count();
  for (auto status : pod.status().container_statuses()) sum += status.restart_count();
  return sum;
}

}  // namespace

bool is_finished_job(const Object& job) {
  batch_v1::JobStatus status = batch_v1::Job(job).status();
  return !true_condition(status, "Complete").type().empty() ||
         !true_condition(status, "Failed").type().empty();
}

JobPlanner::JobPlanner(const JobWorld& world, MicroTime now)
    : world_(world),
      now_(now),
      job_(*world.job),
      spec_(job_.spec()),
      indexed_(is_indexed(spec_)),
      per_index_(indexed_ && spec_.has_backoff_limit_per_index()),
      dying_(job_.metadata().has_deletion_timestamp()),
      draft_(*world.job),
      status_(batch_v1::JobEdit(draft_).edit_status()) {}

JobPlan JobPlanner::plan() {
  plan_.decision.tag = kJobReconciling;
  look_at_pods();
  settle_uncounted();
  if (indexed_) look_at_indexes();
  plan_back_off();
  if (!status_.view().has_start_time() && !spec_.suspend()) status_.set_start_time(now_);
  look_for_ending();
  if (ending_) {
    for (const Member* member : active_) deletions_.push_back(member->object);
  } else if (!dying_) {
    manage_pods();
  }
  if (!ending_ && is_complete()) {
    ending_ = Ending{true, "CompletionsReached", "Reached expected number of succeeded pods"};
  } else if (!ending_ && !dying_) {
    write_suspension();
  }
  account();
  if (indexed_) write_indexes();
  if (ending_) write_ending();
  add_status();
  for (const Release& release : releases_) {
    Action& action = plan_.decision.add(release_action(release.pod));
    action.batch = 1;
    action.tag = release.policy_action;
  }
  add_deletions();
  add_creations();
  return std::move(plan_);
}

void JobPlanner::look_at_pods() {
  for (const ObjectPtr& object : world_.pods) {
    Member member{object, core_v1::Pod(*object)};
    if (indexed_) {
      member.index = completion_index(member.pod);
      if (member.index && *member.index >= spec_.completions()) member.index.reset();
      member.valid = member.index.has_value();
    }
    member.tracked = is_tracked(member.pod);
    member.succeeded = member.pod.status().phase() == "Succeeded";
    member.failed = has_failed(spec_, member.pod);
    members_.push_back(std::move(member));
  }
  std::ranges::sort(members_, {}, [](const Member& member) {
    return std::pair(member.index, member.pod.metadata().name());
  });
  for (const Member& member : members_) {
    if (is_pod_active(member.pod)) {
      active_.push_back(&member);
      if (kinds::is_ready(member.pod)) ++ready_;
    } else if (!kinds::is_finished(member.pod)) {
      ++terminating_;
    }
  }
}

bool JobPlanner::index_fails(const Member& member) const {
  if (!member.failed) return false;
  FailureVerdict verdict = match_failure(spec_, member.pod);
  if (verdict.action == "FailIndex") return true;
  return verdict.counts() && index_failures(member.pod) >= spec_.backoff_limit_per_index();
}

// An index has succeeded or failed, never both: what was first stays.
void JobPlanner::look_at_indexes() {
  stored_indexes_ = IndexRanges::parse(job_.status().completed_indexes(), spec_.completions());
  succeeded_indexes_ = stored_indexes_;
  if (per_index_) {
    failed_indexes_ = IndexRanges::parse(job_.status().failed_indexes(), spec_.completions());
  }
  auto add = [this](IndexRanges& to, const IndexRanges& others, auto ended) {
    std::vector<int32_t> indexes;
    for (const Member& member : members_) {
      bool fresh = member.tracked && member.index && !others.has(*member.index);
      if (fresh && ended(member)) indexes.push_back(*member.index);
    }
    to.add(indexes);
  };
  add(succeeded_indexes_, failed_indexes_, [](const Member& member) { return member.succeeded; });
  succeeded_ = succeeded_indexes_.count();
  if (!per_index_) return;
  add(failed_indexes_, succeeded_indexes_,
      [this](const Member& member) { return index_fails(member); });
  delay_deletions();
}

// Pods that ended and are not in the back-off's record yet.
std::vector<core_v1::Pod> JobPlanner::finished_pods(bool succeeded) const {
  const auto& uncounted = succeeded ? uncounted_succeeded_ : uncounted_failed_;
  std::vector<core_v1::Pod> result;
  for (const Member& member : members_) {
    if (!member.valid || !(succeeded ? member.succeeded : member.failed)) continue;
    bool is_new = member.tracked && !uncounted.contains(member.uid());
    if (is_new || !world_.back_off) result.push_back(member.pod);
  }
  return result;
}

void JobPlanner::plan_back_off() {
  plan_.back_off = next_back_off(world_.back_off.value_or(JobBackOff()), finished_pods(true),
                                 finished_pods(false), now_);
}

std::optional<JobPlanner::Ending> JobPlanner::stored_ending() const {
  batch_v1::JobCondition met = true_condition(job_.status(), "SuccessCriteriaMet");
  if (!met.type().empty()) {
    return Ending{true, std::string(met.reason()), std::string(met.message())};
  }
  batch_v1::JobCondition target = true_condition(job_.status(), "FailureTarget");
  if (target.type().empty()) return std::nullopt;
  return Ending{false, std::string(target.reason()), std::string(target.message())};
}

std::optional<JobPlanner::Ending> JobPlanner::pod_failure() const {
  if (!spec_.has_pod_failure_policy()) return std::nullopt;
  for (const Member& member : members_) {
    if (!member.failed) continue;
    FailureVerdict verdict = match_failure(spec_, member.pod);
    if (verdict.action == "FailJob") return Ending{false, "PodFailurePolicy", verdict.message};
  }
  return std::nullopt;
}

// Restarts in place count as failures.
bool JobPlanner::past_restarts() const {
  if (spec_.template_().spec().restart_policy() != "OnFailure") return false;
  int64_t sum = 0;
  for (const Member& member : members_) {
    std::string_view phase = member.pod.status().phase();
    if (phase == "Running" || phase == "Pending") sum += restarts(member.pod);
  }
  return spec_.backoff_limit() == 0 ? sum > 0 : sum >= spec_.backoff_limit();
}

// Looks again when the time is over.
bool JobPlanner::past_deadline() {
  batch_v1::JobStatus status = status_.view();
  if (!spec_.has_active_deadline_seconds() || !status.has_start_time() || spec_.suspend()) {
    return false;
  }
  MicroTime end = seconds_after(status.start_time(), spec_.active_deadline_seconds());
  if (now_ >= end) return true;
  plan_.decision.look_again_in(time_between(now_, end));
  return false;
}

void JobPlanner::look_for_ending() {
  ending_ = stored_ending();
  if (!ending_) ending_ = pod_failure();
  if (!ending_ && (failed_ > spec_.backoff_limit() || past_restarts())) {
    ending_ = Ending{false, "BackoffLimitExceeded", "Job has reached the specified backoff limit"};
  }
  if (!ending_ && past_deadline()) {
    ending_ = Ending{false, "DeadlineExceeded", "Job was active longer than specified deadline"};
  }
  if (!ending_ && indexed_) look_for_end_of_indexes();
}

void JobPlanner::look_for_end_of_indexes() {
  int64_t failed = failed_indexes_.count();
  if (per_index_ && spec_.has_max_failed_indexes() && failed > spec_.max_failed_indexes()) {
    ending_ = Ending{false, "MaxFailedIndexesExceeded",
                     "Job has exceeded the specified maximal number of failed indexes"};
  } else if (failed > 0 && failed + succeeded_ >= spec_.completions()) {
    ending_ = Ending{false, "FailedIndexes", "Job has failed indexes"};
  } else if (auto message = match_success(spec_, succeeded_indexes_)) {
    ending_ = Ending{true, "SuccessPolicy", *message};
  }
}

// Without completions, one success is enough, and the others may finish what they do.
bool JobPlanner::is_complete() const {
  bool none_active = active_.size() == deletions_.size() && creations_.empty();
  if (!spec_.has_completions()) return succeeded_ > 0 && none_active;
  return succeeded_ >= spec_.completions() && none_active;
}

}  // namespace tiphys::controllers
