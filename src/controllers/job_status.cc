// How a Job accounts for its pods, and its status.
#include <algorithm>
#include <limits>

#include "client/object_key.h"
#include "controllers/job_plan.h"
#include "controllers/job_policies.h"
#include "controllers/resources.h"

namespace tiphys::controllers {

namespace {

// Takes the uids off the list that are not `tracked` any more, puts the others into `kept`; returns
// how many went.
int64_t settle(ListEdit<std::string_view> list,
               const std::set<std::string_view, std::less<>>& tracked,
               std::set<std::string, std::less<>>& kept) {
  int64_t gone = 0;
  for (size_t i = list.size(); i-- > 0;) {
    if (tracked.contains(list[i])) {
      kept.emplace(list[i]);
    } else {
      list.erase(i);
      ++gone;
    }
  }
  return gone;
}

int32_t saturated(int64_t count) {
  return static_cast<int32_t>(std::min<int64_t>(count, std::numeric_limits<int32_t>::max()));
}

}  // namespace

// Counts the pods whose finalizers have gone, and finds out how many there will be.
void JobPlanner::settle_uncounted() {
  std::set<std::string_view, std::less<>> tracked;
  for (const Member& member : members_) {
    if (member.tracked) tracked.insert(member.uid());
  }
  auto uncounted = status_.edit_uncounted_terminated_pods();
  int64_t succeeded = settle(uncounted.edit_succeeded(), tracked, uncounted_succeeded_);
  int64_t failed = settle(uncounted.edit_failed(), tracked, uncounted_failed_);
  status_.set_succeeded(saturated(status_.view().succeeded() + succeeded));
  status_.set_failed(saturated(status_.view().failed() + failed));
  succeeded_ = status_.view().succeeded() + std::ssize(uncounted_succeeded_);
  failed_ = status_.view().failed() + std::ssize(uncounted_failed_);
  for (const Member& member : members_) {
    if (!member.tracked || !member.valid) continue;
    if (member.succeeded && !uncounted_succeeded_.contains(member.uid())) ++succeeded_;
    bool fails = member.failed && !uncounted_failed_.contains(member.uid());
    if (fails && match_failure(spec_, member.pod).counts()) ++failed_;
  }
}

// Once the Job is over or goes, all pods are released; before, those that ended.
bool JobPlanner::can_release(const Member& member) const {
  if (dying_ || ending_ || member.succeeded) return true;
  if (!member.failed) return false;
  auto delayed = member.index ? delayed_.find(*member.index) : delayed_.end();
  return delayed == delayed_.end() || delayed->second != &member;
}

void JobPlanner::account_success(const Member& member) {
  if (indexed_ || uncounted_succeeded_.contains(member.uid())) return;
  uncounted_succeeded_.emplace(member.uid());
  status_.edit_uncounted_terminated_pods().edit_succeeded().append(member.uid());
}

void JobPlanner::account_failure(const Member& member) {
  if (!member.valid || uncounted_failed_.contains(member.uid())) return;
  if (!match_failure(spec_, member.pod).counts()) return;
  uncounted_failed_.emplace(member.uid());
  status_.edit_uncounted_terminated_pods().edit_failed().append(member.uid());
}

// When a Job has failed, all its pods have.
void JobPlanner::account() {
  bool all_fail = ending_ && !ending_->success;
  size_t new_indexes = 0;
  for (const Member& member : members_) {
    if (!member.tracked || !can_release(member)) continue;
    if (uncounted_succeeded_.size() + uncounted_failed_.size() + new_indexes >= kMaxUncountedPods) {
      all_accounted_ = false;
      return;
    }
    Release& release = releases_.emplace_back(member.object);
    if (member.succeeded && !uncounted_failed_.contains(member.uid())) {
      if (member.index && !stored_indexes_.has(*member.index)) ++new_indexes;
      account_success(member);
    } else if (member.failed || all_fail) {
      if (member.valid && spec_.has_pod_failure_policy()) {
        release.policy_action = match_failure(spec_, member.pod).action;
      }
      account_failure(member);
    }
  }
}

void JobPlanner::write_indexes() {
  status_.set_succeeded(succeeded_indexes_.count());
  status_.set_completed_indexes(succeeded_indexes_.text());
  if (per_index_) {
    status_.set_failed_indexes(failed_indexes_.text());
  } else {
    status_.clear_failed_indexes();
  }
}

void JobPlanner::put_condition(std::string_view type, bool value, std::string_view reason,
                               std::string_view message) {
  auto conditions = status_.edit_conditions();
  size_t at = 0;
  while (at < conditions.size() && conditions[at].view().type() != type) ++at;
  batch_v1::JobConditionEdit condition =
      at < conditions.size() ? conditions[at] : conditions.append();
  condition.set_type(type);
  condition.set_status(value ? "True" : "False");
  condition.set_last_probe_time(now_);
  condition.set_last_transition_time(now_);
  condition.set_reason(reason);
  condition.set_message(message);
}

// A Job that was suspended starts anew when it goes on.
void JobPlanner::write_suspension() {
  std::string_view known;
  for (batch_v1::JobCondition condition : job_.status().conditions()) {
    if (condition.type() == "Suspended") known = condition.status();
  }
  if (spec_.suspend() && known != "True") {
    put_condition("Suspended", true, "JobSuspended", "Job suspended");
    note_ = Note{world_.job, "Normal", "Suspended", "Job suspended"};
  } else if (!spec_.suspend() && known == "True") {
    put_condition("Suspended", false, "JobResumed", "Job resumed");
    note_ = Note{world_.job, "Normal", "Resumed", "Job resumed"};
  }
  if (spec_.suspend()) status_.clear_start_time();
}

void JobPlanner::write_ending() {
  if (!stored_ending()) {
    put_condition(ending_->success ? "SuccessCriteriaMet" : "FailureTarget", true, ending_->reason,
                  ending_->message);
  }
  bool pods_left = !active_.empty() || terminating_ > 0 || !releases_.empty();
  bool uncounted = !uncounted_succeeded_.empty() || !uncounted_failed_.empty();
  if (!pods_left && !uncounted && all_accounted_) finish();
}

void JobPlanner::finish() {
  // Nothing to do at all for a Job that was never allowed to start.
  if (!status_.view().has_start_time()) status_.set_start_time(now_);
  if (!ending_->success) {
    put_condition("Failed", true, ending_->reason, ending_->message);
    note_ = Note{world_.job, "Warning", ending_->reason, ending_->message};
    return;
  }
  put_condition("Complete", true, ending_->reason, ending_->message);
  status_.set_completion_time(now_);
  note_ = Note{world_.job, "Normal", "Completed", "Job completed"};
  if (spec_.has_completions() && status_.view().succeeded() > spec_.completions()) {
    extra_.push_back(note_action(world_.job, "Warning", "TooManySucceededPods",
                                 "Too many succeeded pods running after completion count reached"));
  }
}

void JobPlanner::add_status() {
  status_.set_active(static_cast<int32_t>(active_.size()));
  status_.set_ready(ready_);
  status_.set_terminating(terminating_);
  auto uncounted = status_.edit_uncounted_terminated_pods();
  if (uncounted.view().succeeded().empty()) uncounted.clear_succeeded();
  if (uncounted.view().failed().empty()) uncounted.clear_failed();
  if (equal(status_.view(), job_.status())) return;
  Action action = update_action(jobs(), draft_.freeze(), "status");
  action.tag = kJobStatusTag;
  action.success = note_;
  plan_.decision.add(std::move(action));
  for (Action& note : extra_) {
    note.batch = 1;
    plan_.decision.add(std::move(note));
  }
}

}  // namespace tiphys::controllers
