// Pods of a Job: which completion they stand for, how they ended, when a failed one is replaced,
// and how new ones look. Pure; views must outlive the call only.
// Source: https://kubernetes.io/docs/concepts/workloads/controllers/job/ and k8s.io/kubernetes
// pkg/controller/job.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "controllers/action.h"
#include "kinds/batch_v1.h"
#include "kinds/core_v1.h"

namespace tiphys::controllers {

inline constexpr std::string_view kJobTracking = "batch.kubernetes.io/job-tracking";
inline constexpr std::string_view kCompletionIndex = "batch.kubernetes.io/job-completion-index";
inline constexpr std::string_view kIndexFailures = "batch.kubernetes.io/job-index-failure-count";
inline constexpr std::string_view kIndexIgnoredFailures =
    "batch.kubernetes.io/job-index-ignored-failure-count";

// Has the finalizer: it is not accounted for in the Job's status yet.
bool is_tracked(const core_v1::Pod& pod);
// Takes the finalizer off.
Action release_action(const ObjectPtr& pod);

bool is_indexed(const batch_v1::JobSpec& spec);
// Replacements wait until a pod has really ended.
bool replaces_failed_only(const batch_v1::JobSpec& spec);
// Nothing: the pod says no index.
std::optional<int32_t> completion_index(const core_v1::Pod& pod);
// It failed, or is being deleted before it ended (where replacements don't wait for that).
bool has_failed(const batch_v1::JobSpec& spec, const core_v1::Pod& pod);
// When its containers ended; if they don't tell, about when it was not ready any more, or deleted.
MicroTime finish_time(const core_v1::Pod& pod);

// Failures of an index before this pod, from its annotations.
int32_t index_failures(const core_v1::Pod& pod);
int32_t index_ignored_failures(const core_v1::Pod& pod);

// Failures since the last success, as far as they are accounted for.
struct JobBackOff {
  int32_t failures = 0;
  MicroTime last_failure = 0;
  bool operator==(const JobBackOff&) const = default;
};
// A failure that is yet to come was now: the clock went back, and must not make it longer.
JobBackOff next_back_off(JobBackOff before, const std::vector<core_v1::Pod>& succeeded,
                         const std::vector<core_v1::Pod>& failed, MicroTime now);
// How long until a pod may be made again: 10 s, doubled to 10 min, from the last failure on.
Duration back_off_left(const JobBackOff& back_off, MicroTime now);

// A pod of a Job that is not Indexed.
ObjectPtr new_job_pod(const Object& job);
// The pod for an index. `replaced`: the failed pod whose failures it inherits, may be null; only
// for Jobs with a back-off limit per index.
ObjectPtr new_indexed_pod(const Object& job, const Object& pod, int32_t index,
                          const Object* replaced);

}  // namespace tiphys::controllers
