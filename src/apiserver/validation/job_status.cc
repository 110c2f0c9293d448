// Rules of a write of a Job's status (pkg/apis/batch/validation, getStatusValidationOptions of
// pkg/registry/batch/job): most are checked only if what they look at changed.
#include <functional>
#include <set>

#include "apiserver/validation/job_indexes.h"
#include "apiserver/validation/rule_calls.h"
#include "kinds/batch_v1.h"

namespace tiphys::apiserver {
namespace {

using batch_v1::Job;
using batch_v1::JobStatus;

bool is_true(JobStatus status, std::string_view type) {
  for (batch_v1::JobCondition condition : status.conditions()) {
    if (condition.type() == type && condition.status() == "True") return true;
  }
  return false;
}

// One status as the checks see it.
struct State {
  explicit State(Job job) : spec(job.spec()), status(job.status()) {
    complete = is_true(status, "Complete");
    failed = is_true(status, "Failed");
    failure_target = is_true(status, "FailureTarget");
    success_criteria = is_true(status, "SuccessCriteriaMet");
    finished = complete || failed;
  }

  const Value& field(std::string_view name) const {
    return schema::find_path(JobStatus::message(), status.node(), {name});
  }

  batch_v1::JobSpec spec;
  JobStatus status;
  bool complete = false;
  bool failed = false;
  bool failure_target = false;
  bool success_criteria = false;
  bool finished = false;
};

class Check {
 public:
  Check(Job job, Job old, FieldErrors& errors) : now_(job), old_(old), errors_(errors) {}

  void run() {
    uncounted_pods();
    conditions_agree();
    times_agree();
    conditions_have_causes();
    counts_agree();
    indexes_agree();
    late_conditions();
    transitions();
  }

 private:
  bool changed(std::string_view name) const { return !equal(now_.field(name), old_.field(name)); }
  FieldPath at(std::string_view name) const { return FieldPath("status").child(name); }
  std::string printed(std::string_view name) const {
    return printed_field(JobStatus::message(), now_.status.node(), name);
  }
  void conditions(std::string_view detail) { errors_.invalid_omitted(at("conditions"), detail); }
  void invalid(std::string_view name, std::string_view detail) {
    errors_.invalid_raw(at(name), printed(name), detail);
  }

  void uncounted_list(const ListView<std::string_view>& uids, std::string_view name,
                      std::set<std::string_view>& seen) {
    for (size_t i = 0; i < uids.size(); ++i) {
      FieldPath path = at("uncountedTerminatedPods").child(name).index(i);
      if (uids[i].empty()) {
        errors_.invalid(path, "", "must not be empty");
      } else if (!seen.insert(uids[i]).second) {
        errors_.duplicate(path, uids[i]);
      }
    }
  }

  void uncounted_pods() {
    std::set<std::string_view> seen;
    batch_v1::UncountedTerminatedPods pods = now_.status.uncounted_terminated_pods();
    uncounted_list(pods.succeeded(), "succeeded", seen);
    uncounted_list(pods.failed(), "failed", seen);
  }

  void conditions_agree() {
    bool complete_changed = now_.complete != old_.complete;
    if (now_.complete && now_.failed && (complete_changed || now_.failed != old_.failed)) {
      conditions("cannot set Complete=True and Failed=true conditions");
    }
    bool target_changed = now_.failure_target != old_.failure_target;
    if (now_.complete && now_.failure_target && (complete_changed || target_changed)) {
      conditions("cannot set Complete=True and FailureTarget=true conditions");
    }
  }

  void times_agree() {
    bool has_end = now_.status.has_completion_time();
    if (now_.complete != old_.complete || changed("completionTime")) {
      if (has_end && !now_.complete) {
        invalid("completionTime",
                "cannot set completionTime when there is no Complete=True condition");
      }
      if (!has_end && now_.complete) {
        errors_.required(at("completionTime"), "completionTime is required for Complete jobs");
      }
    }
    bool both = now_.status.has_start_time() && has_end;
    bool moved = changed("startTime") || changed("completionTime");
    if (both && moved && now_.status.completion_time() < now_.status.start_time()) {
      invalid("completionTime", "must be equal to or after `startTime`");
    }
  }

  void conditions_have_causes() {
    bool failed_changed = now_.failed != old_.failed || changed("failedIndexes");
    if (failed_changed && now_.failed && !now_.failure_target) {
      conditions("cannot set Failed=True condition without the FailureTarget=true condition");
    }
    bool complete_changed =
        now_.complete != old_.complete || now_.success_criteria != old_.success_criteria;
    if (complete_changed && now_.complete && !now_.success_criteria) {
      conditions(
          "cannot set Complete=True condition without the SuccessCriteriaMet=true condition");
    }
  }

  void counts_agree() {
    bool finished_changed = now_.finished != old_.finished;
    auto looked_at = [&](std::string_view name) {
      return now_.finished && (finished_changed || changed(name));
    };
    if (looked_at("active") && now_.status.active() > 0) {
      invalid("active", "active>0 is invalid for finished job");
    }
    if (looked_at("startTime") && !now_.status.has_start_time()) {
      errors_.required(at("startTime"), "startTime is required for finished job");
    }
    batch_v1::UncountedTerminatedPods pods = now_.status.uncounted_terminated_pods();
    if (looked_at("uncountedTerminatedPods") &&
        pods.failed().size() + pods.succeeded().size() > 0) {
      invalid("uncountedTerminatedPods", "must be empty for finished job");
    }
  }

  void indexes_format(std::string_view name, std::string_view text) {
    Result<int64_t> count = count_job_indexes(text, now_.spec.completions());
    if (count) return;
    std::string detail = "error parsing " + std::string(name) + ": " + count.error().message();
    invalid(name, detail);
  }

  void indexes_agree() {
    bool completed_changed = changed("completedIndexes");
    bool failed_changed = changed("failedIndexes");
    bool bounded = now_.spec.has_completions();
    bool per_index = now_.spec.has_backoff_limit_per_index();
    bool has_failed = now_.status.has_failed_indexes();
    std::string_view completed = now_.status.completed_indexes();
    std::string_view failed = now_.status.failed_indexes();
    if (completed_changed && bounded) indexes_format("completedIndexes", completed);
    if (failed_changed && bounded && per_index && has_failed) {
      indexes_format("failedIndexes", failed);
    }
    bool indexed = now_.spec.completion_mode() == "Indexed";
    if (completed_changed && !completed.empty() && !indexed) {
      invalid("completedIndexes",
              "cannot set non-empty completedIndexes when non-indexed completion mode");
    }
    if (failed_changed && !per_index && has_failed) {
      invalid("failedIndexes",
              "cannot set non-null failedIndexes when backoffLimitPerIndex is null");
    }
    if ((failed_changed || completed_changed) && bounded && has_failed) {
      Result<void> apart = job_indexes_apart(completed, failed, now_.spec.completions());
      if (!apart) invalid("failedIndexes", apart.error().message());
    }
  }

  void late_conditions() {
    bool finished_changed = now_.finished != old_.finished;
    bool terminating_changed = finished_changed || changed("terminating");
    if (terminating_changed && now_.finished && now_.status.terminating() > 0) {
      invalid("terminating", "terminating>0 is invalid for finished job");
    }
    bool ready_changed = changed("ready") || changed("active");
    if (ready_changed && now_.status.ready() > now_.status.active()) {
      invalid("ready", "cannot set more ready pods than active");
    }
    if (now_.success_criteria && now_.failed) {
      conditions("cannot set SuccessCriteriaMet=True and Failed=true conditions");
    }
    if (now_.success_criteria && now_.failure_target) {
      conditions("cannot set SuccessCriteriaMet=True and FailureTarget=true conditions");
    }
    if (now_.spec.has_success_policy() && !now_.success_criteria && now_.complete) {
      conditions(
          "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True");
    }
  }

  void transitions() {
    for (std::string_view type : {"Failed", "Complete", "FailureTarget"}) {
      if (is_true(old_.status, type) && !is_true(now_.status, type)) {
        conditions("cannot disable the terminal " + std::string(type) + "=True condition");
      }
    }
    if (now_.status.failed() < old_.status.failed()) {
      invalid("failed", "cannot decrease the failed counter");
    }
    // Jobs that can be scaled down may forget successes.
    bool elastic = now_.spec.completion_mode() == "Indexed" && now_.spec.has_completions() &&
                   now_.spec.completions() == now_.spec.parallelism();
    if (!elastic && now_.status.succeeded() < old_.status.succeeded()) {
      invalid("succeeded", "cannot decrease the succeeded counter");
    }
    bool ended = now_.status.has_completion_time() && old_.status.has_completion_time();
    if (ended && changed("completionTime")) invalid("completionTime", "field is immutable");
    if (old_.status.has_start_time() && changed("startTime") && !now_.spec.suspend()) {
      errors_.required(at("startTime"), "startTime cannot be removed for unsuspended job");
    }
    if (old_.success_criteria && !now_.success_criteria) {
      conditions("cannot disable the SuccessCriteriaMet=True condition");
    }
    if (old_.complete && !old_.success_criteria && now_.success_criteria) {
      conditions("cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions");
    }
  }

  State now_;
  State old_;
  FieldErrors& errors_;
};

}  // namespace

void call_job_status(const RuleInput& input, FieldErrors& errors) {
  if (!input.updating()) return;
  Check(Job(input.scope.object), Job(*input.scope.old), errors).run();
}

}  // namespace tiphys::apiserver
