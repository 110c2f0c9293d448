// The plan for a Job: its status, pods to make, to delete and to account for. Pure: what the caches
// say in, actions out.
//
// A pod is counted exactly once: its uid goes into status.uncountedTerminatedPods (or its index
// into completedIndexes) while it has the tracking finalizer, then the finalizer goes, then the
// counter takes the uid's place. Each step rests on the one before being stored.
// Source: https://kubernetes.io/docs/concepts/workloads/controllers/job/, KEP-2307 (tracking),
// KEP-3850 (limits per index), KEP-3939 (replacement policy), KEP-3998 (success policy).
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controllers/action.h"
#include "controllers/index_ranges.h"
#include "controllers/job_pods.h"

namespace tiphys::controllers {

inline constexpr size_t kMaxJobPodsAtOnce = 500;             // made or deleted in one round
inline constexpr size_t kMaxUncountedPods = 500;             // keeps a status below 20 KB of uids
inline constexpr std::string_view kJobStatusTag = "status";  // of the action that writes the status
// Tags of a decision: what a round does, as the metrics name it.
inline constexpr std::string_view kJobReconciling = "reconciling";
inline constexpr std::string_view kJobTracks = "tracking";
inline constexpr std::string_view kJobCreates = "pods_created";
inline constexpr std::string_view kJobDeletes = "pods_deleted";

struct JobWorld {
  ObjectPtr job;
  std::vector<ObjectPtr> pods;         // those that it controls
  std::optional<JobBackOff> back_off;  // nothing: not known yet, so it is read off the pods
};

struct JobPlan {
  Decision decision;
  JobBackOff back_off;  // once the status is written
};

// Complete or Failed.
bool is_finished_job(const Object& job);

class JobPlanner {
 public:
  JobPlanner(const JobWorld& world, MicroTime now);
  JobPlan plan();

 private:
  // A pod, and what the Job makes of it.
  struct Member {
    ObjectPtr object;
    core_v1::Pod pod;
    std::optional<int32_t> index;  // below completions; only of Indexed Jobs
    bool valid = true;             // not Indexed, or with an index
    bool tracked = false;
    bool succeeded = false;
    bool failed = false;
    std::string_view uid() const { return pod.metadata().uid(); }
  };
  using Members = std::vector<const Member*>;

  // Why the Job ends.
  struct Ending {
    bool success = false;
    std::string reason;
    std::string message;
  };

  // job_plan.cc: what is, and whether the Job ends.
  void look_at_pods();
  void look_at_indexes();
  bool index_fails(const Member& member) const;
  void plan_back_off();
  std::vector<core_v1::Pod> finished_pods(bool succeeded) const;
  void look_for_ending();
  void look_for_end_of_indexes();
  std::optional<Ending> stored_ending() const;
  std::optional<Ending> pod_failure() const;
  bool past_restarts() const;
  bool past_deadline();
  bool is_complete() const;

  // job_pod_plan.cc: which pods to make and to delete.
  void manage_pods();
  int32_t wanted_active() const;
  std::vector<ObjectPtr> surplus(size_t at_least) const;
  void plan_creations(int32_t count);
  std::vector<int32_t> indexes_to_make(int32_t count);
  void delay_deletions();
  std::string_view creation_reason() const;
  void add_creations();
  void add_deletions();

  // job_status.cc: accounting and the status.
  void settle_uncounted();
  void account();
  bool can_release(const Member& member) const;
  void account_success(const Member& member);
  void account_failure(const Member& member);
  void write_indexes();
  void write_suspension();
  void write_ending();
  void finish();
  void put_condition(std::string_view type, bool value, std::string_view reason,
                     std::string_view message);
  void add_status();

  const JobWorld& world_;
  MicroTime now_;
  batch_v1::Job job_;
  batch_v1::JobSpec spec_;
  bool indexed_;
  bool per_index_;
  bool dying_;  // being deleted
  Draft draft_;
  batch_v1::JobStatusEdit status_;
  JobPlan plan_;

  std::vector<Member> members_;
  Members active_;
  int32_t ready_ = 0;
  int32_t terminating_ = 0;
  int64_t succeeded_ = 0;  // those still to be counted as well
  int64_t failed_ = 0;
  std::set<std::string, std::less<>> uncounted_succeeded_;
  std::set<std::string, std::less<>> uncounted_failed_;
  IndexRanges stored_indexes_;
  IndexRanges succeeded_indexes_;
  IndexRanges failed_indexes_;
  std::map<int32_t, const Member*> delayed_;  // failed pods that wait for their replacement
  std::optional<Ending> ending_;

  // Pods that are accounted for, with the action of the failure policy's rule that they met.
  struct Release {
    ObjectPtr pod;
    std::string_view policy_action;
  };
  std::vector<Release> releases_;
  std::vector<ObjectPtr> deletions_;
  std::vector<ObjectPtr> creations_;
  bool all_accounted_ = true;
  std::optional<Note> note_;   // told with the status
  std::vector<Action> extra_;  // further events
};

}  // namespace tiphys::controllers
