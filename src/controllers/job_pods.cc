#include "controllers/job_pods.h"

#include <algorithm>
#include <limits>

#include "base/strings.h"
#include "base/time_math.h"
#include "client/object_key.h"
#include "controllers/job_policies.h"
#include "controllers/pod_state.h"
#include "controllers/resources.h"
#include "kinds/pods.h"

namespace tiphys::controllers {

using client::metadata;

namespace {

constexpr Duration kFirstBackOff = std::chrono::seconds(10);
constexpr Duration kLongestBackOff = std::chrono::minutes(10);
constexpr std::string_view kIndexEnv = "JOB_COMPLETION_INDEX";
constexpr size_t kMaxGeneratedName = 58;  // the server adds five letters

// Anybody may have written it: no number is none, and sums of two stay in range.
int32_t count_in(const core_v1::Pod& pod, std::string_view annotation) {
  constexpr int64_t kMost = 1'000'000'000;
  std::optional<int64_t> count = parse_int(pod.metadata().annotations().find(annotation));
  return static_cast<int32_t>(std::clamp<int64_t>(count.value_or(0), 0, kMost));
}

// Zero: a container has not ended, or does not say when.
MicroTime containers_finish_time(const core_v1::Pod& pod) {
  MicroTime latest = 0;
  for (core_v1::ContainerStatus status : pod.status().container_statuses()) {
    MicroTime end = status.state().terminated().finished_at();
    if (end == 0) return 0;
    latest = std::max(latest, end);
  }
  return latest;
}

std::vector<MicroTime> finish_times(const std::vector<core_v1::Pod>& pods) {
  std::vector<MicroTime> times;
  for (const core_v1::Pod& pod : pods) times.push_back(finish_time(pod));
  return times;
}

void add_index_env(core_v1::ContainerEdit container) {
  for (core_v1::EnvVar variable : container.view().env()) {
    if (variable.name() == kIndexEnv) return;
  }
  core_v1::EnvVarEdit variable = container.edit_env().append();
  variable.set_name(kIndexEnv);
  variable.edit_value_from().edit_field_ref().set_field_path("metadata.labels['" +
                                                             std::string(kCompletionIndex) + "']");
}

std::string indexed_prefix(std::string_view job, int32_t index) {
  std::string suffix = "-" + std::to_string(index) + "-";
  return std::string(job.substr(0, kMaxGeneratedName - suffix.size())) + suffix;
}

void inherit_failures(core_v1::PodEdit pod, const batch_v1::JobSpec& spec, const Object* replaced) {
  int32_t failures = 0;
  int32_t ignored = 0;
  if (replaced) {
    core_v1::Pod before(*replaced);
    bool counts = match_failure(spec, before).counts();
    failures = index_failures(before) + (counts ? 1 : 0);
    ignored = index_ignored_failures(before) + (counts ? 0 : 1);
  }
  auto annotations = pod.edit_metadata().edit_annotations();
  annotations.set(kIndexFailures, std::to_string(failures));
  if (ignored > 0) annotations.set(kIndexIgnoredFailures, std::to_string(ignored));
}

}  // namespace

bool is_tracked(const core_v1::Pod& pod) {
  auto finalizers = pod.metadata().finalizers();
  return std::ranges::any_of(finalizers, [](std::string_view f) { return f == kJobTracking; });
}

Action release_action(const ObjectPtr& pod) {
  std::string patch = R"({"metadata":{"uid":")" + std::string(metadata(*pod).uid()) +
                      R"(","$deleteFromPrimitiveList/finalizers":[")" + std::string(kJobTracking) +
                      R"("]}})";
  return patch_action(pods(), pod, std::move(patch));
}

bool is_indexed(const batch_v1::JobSpec& spec) { return spec.completion_mode() == "Indexed"; }

bool replaces_failed_only(const batch_v1::JobSpec& spec) {
  return spec.pod_replacement_policy() == "Failed" || spec.has_pod_failure_policy();
}

std::optional<int32_t> completion_index(const core_v1::Pod& pod) {
  std::optional<int64_t> index = parse_int(pod.metadata().annotations().find(kCompletionIndex));
  bool valid = index && *index >= 0 && *index <= std::numeric_limits<int32_t>::max();
  return valid ? std::optional(static_cast<int32_t>(*index)) : std::nullopt;
}

bool has_failed(const batch_v1::JobSpec& spec, const core_v1::Pod& pod) {
  if (pod.status().phase() == "Failed") return true;
  if (replaces_failed_only(spec)) return false;
  return pod.metadata().has_deletion_timestamp() && pod.status().phase() != "Succeeded";
}

MicroTime finish_time(const core_v1::Pod& pod) {
  MicroTime end = containers_finish_time(pod);
  if (end != 0) return end;
  core_v1::PodCondition ready = kinds::find_condition(pod.status(), "Ready");
  if (ready.status() == "False" && ready.last_transition_time() != 0) {
    return ready.last_transition_time();
  }
  meta_v1::ObjectMeta meta = pod.metadata();
  if (!meta.has_deletion_timestamp()) return meta.creation_timestamp();
  return seconds_after(meta.deletion_timestamp(), -meta.deletion_grace_period_seconds());
}

int32_t index_failures(const core_v1::Pod& pod) { return count_in(pod, kIndexFailures); }

int32_t index_ignored_failures(const core_v1::Pod& pod) {
  return count_in(pod, kIndexIgnoredFailures);
}

JobBackOff next_back_off(JobBackOff before, const std::vector<core_v1::Pod>& succeeded,
                         const std::vector<core_v1::Pod>& failed, MicroTime now) {
  JobBackOff next = before;
  MicroTime last_success = std::numeric_limits<MicroTime>::min();
  if (!succeeded.empty()) {
    next = {};
    last_success = std::ranges::max(finish_times(succeeded));
  }
  for (MicroTime time : finish_times(failed)) {
    if (time <= last_success) continue;
    ++next.failures;
    next.last_failure = std::max(next.last_failure, time);
  }
  next.last_failure = std::min(next.last_failure, now);
  return next;
}

Duration back_off_left(const JobBackOff& back_off, MicroTime now) {
  if (back_off.failures <= 0) return Duration::zero();
  Duration wait = kFirstBackOff;
  for (int32_t i = 1; i < back_off.failures && wait < kLongestBackOff; ++i) wait *= 2;
  wait = std::min(wait, kLongestBackOff);
  Duration passed = std::max(time_between(back_off.last_failure, now), Duration::zero());
  return passed >= wait ? Duration::zero() : wait - passed;
}

ObjectPtr new_job_pod(const Object& object) {
  batch_v1::JobSpec spec = batch_v1::Job(object).spec();
  Draft draft(*pod_from_template(spec.template_(), object));
  core_v1::PodEdit pod(draft);
  if (!is_tracked(pod.view())) pod.edit_metadata().edit_finalizers().append(kJobTracking);
  return draft.freeze();
}

ObjectPtr new_indexed_pod(const Object& job, const Object& base, int32_t index,
                          const Object* replaced) {
  batch_v1::JobSpec spec = batch_v1::Job(job).spec();
  std::string text = std::to_string(index);
  std::string_view name = metadata(job).name();
  Draft draft(base);
  core_v1::PodEdit pod(draft);
  pod.edit_metadata().set_generate_name(indexed_prefix(name, index));
  pod.edit_metadata().edit_annotations().set(kCompletionIndex, text);
  pod.edit_metadata().edit_labels().set(kCompletionIndex, text);
  pod.edit_spec().set_hostname(std::string(name) + "-" + text);
  auto init = pod.edit_spec().edit_init_containers();
  for (size_t i = 0; i < init.size(); ++i) add_index_env(init[i]);
  if (init.empty()) pod.edit_spec().clear_init_containers();
  auto containers = pod.edit_spec().edit_containers();
  for (size_t i = 0; i < containers.size(); ++i) add_index_env(containers[i]);
  if (spec.has_backoff_limit_per_index()) inherit_failures(pod, spec, replaced);
  return draft.freeze();
}

}  // namespace tiphys::controllers
