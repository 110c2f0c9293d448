#include "controllers/pod_state.h"

#include <cmath>

#include "base/strings.h"
#include "base/time_math.h"
#include "client/object_key.h"
#include "controllers/ownership.h"
#include "kinds/pods.h"

namespace tiphys::controllers {

bool is_pod_available(const core_v1::Pod& pod, int32_t min_ready_seconds, MicroTime now) {
  core_v1::PodCondition ready = kinds::find_condition(pod.status(), "Ready");
  if (ready.status() != "True") return false;
  if (min_ready_seconds == 0) return true;
  MicroTime since = ready.last_transition_time();
  return since != 0 && since + min_ready_seconds * kMicrosPerSecond <= now;
}

std::optional<Duration> until_available(const core_v1::Pod& pod, int32_t min_ready_seconds,
                                        MicroTime now) {
  if (!kinds::is_ready(pod) || is_pod_available(pod, min_ready_seconds, now)) return std::nullopt;
  MicroTime since = kinds::find_condition(pod.status(), "Ready").last_transition_time();
  if (since == 0) return std::nullopt;
  MicroTime due = since + min_ready_seconds * kMicrosPerSecond;
  return std::max<Duration>(time_between(now, due), std::chrono::microseconds(1));
}

void look_when_available(const std::vector<ObjectPtr>& pods, int32_t min_ready_seconds,
                         MicroTime now, Decision& decision) {
  for (const ObjectPtr& pod : pods) {
    auto delay = until_available(core_v1::Pod(*pod), min_ready_seconds, now);
    if (delay) decision.look_again_in(*delay);
  }
}

bool is_pod_active(const core_v1::Pod& pod) {
  return !kinds::is_finished(pod) && !pod.metadata().has_deletion_timestamp();
}

namespace {

int phase_order(std::string_view phase) {
  if (phase == "Pending") return 0;
  if (phase == "Running") return 2;
  return 1;
}

int64_t deletion_cost(const core_v1::Pod& pod) {
  constexpr std::string_view kCost = "controller.kubernetes.io/pod-deletion-cost";
  std::optional<int64_t> cost = parse_int(pod.metadata().annotations().find(kCost));
  return cost && *cost >= INT32_MIN && *cost <= INT32_MAX ? *cost : 0;
}

int32_t most_restarts(const ListView<core_v1::ContainerStatus>& statuses) {
  int32_t most = 0;
  for (core_v1::ContainerStatus status : statuses) most = std::max(most, status.restart_count());
  return most;
}

// Ages in powers of two: pods of about the same age are alike (LogarithmicScaleDown).
int age_order(MicroTime since, MicroTime now) {
  auto age = static_cast<double>(now - since) * 1000;
  return age > 0 ? static_cast<int>(std::log2(age)) : -1;
}

// -1: a first, 1: b first, 0: alike. The younger goes first; an unknown time counts as youngest.
int compare_age(MicroTime a, MicroTime b, MicroTime now, std::string_view uid_a,
                std::string_view uid_b) {
  if (a == b) return 0;
  if (a == 0 || b == 0) return a == 0 ? -1 : 1;
  int difference = age_order(a, now) - age_order(b, now);
  if (difference != 0) return difference < 0 ? -1 : 1;
  return uid_a < uid_b ? -1 : 1;
}

template <class T>
int compare(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}

}  // namespace

bool deleted_before(const RankedPod& left, const RankedPod& right, MicroTime now) {
  core_v1::Pod a(*left.object);
  core_v1::Pod b(*right.object);
  bool a_ready = kinds::is_ready(a);
  bool b_ready = kinds::is_ready(b);
  std::string_view a_uid = a.metadata().uid();
  std::string_view b_uid = b.metadata().uid();
  int order = compare(!a.spec().node_name().empty(), !b.spec().node_name().empty());
  if (order == 0) order = compare(phase_order(a.status().phase()), phase_order(b.status().phase()));
  if (order == 0) order = compare(a_ready, b_ready);
  if (order == 0) order = compare(deletion_cost(a), deletion_cost(b));
  if (order == 0) order = compare(right.rank, left.rank);
  if (order == 0 && a_ready && b_ready) {
    order = compare_age(kinds::find_condition(a.status(), "Ready").last_transition_time(),
                        kinds::find_condition(b.status(), "Ready").last_transition_time(), now,
                        a_uid, b_uid);
  }
  if (order == 0) {
    order = compare(most_restarts(b.status().container_statuses()),
                    most_restarts(a.status().container_statuses()));
  }
  if (order == 0) {
    order = compare(most_restarts(b.status().init_container_statuses()),
                    most_restarts(a.status().init_container_statuses()));
  }
  if (order == 0) {
    order = compare_age(a.metadata().creation_timestamp(), b.metadata().creation_timestamp(), now,
                        a_uid, b_uid);
  }
  return order < 0;
}

bool put_disruption_target(core_v1::PodEdit pod, std::string_view reason, std::string_view message,
                           MicroTime now) {
  constexpr std::string_view kType = "DisruptionTarget";
  auto conditions = pod.edit_status().edit_conditions();
  size_t at = 0;
  while (at < conditions.size() && conditions.view()[at].type() != kType) ++at;
  bool added = at == conditions.size();
  core_v1::PodConditionEdit condition = added ? conditions.append() : conditions[at];
  bool was_true = condition.view().status() == "True";
  bool same =
      was_true && condition.view().reason() == reason && condition.view().message() == message;
  if (same) return false;
  condition.set_type(kType);
  condition.set_status("True");
  condition.set_reason(reason);
  condition.set_message(message);
  int64_t generation = pod.view().metadata().generation();
  if (generation != 0) condition.set_observed_generation(generation);
  if (!was_true) condition.set_last_transition_time(now);
  return true;
}

std::vector<std::string> node_of_pod(const Object& pod) {
  return {std::string(core_v1::Pod(pod).spec().node_name())};
}

ObjectPtr pod_from_template(const core_v1::PodTemplateSpec& pod_template,
                            const Object& controller) {
  Draft draft = core_v1::Pod::make();
  core_v1::PodEdit pod(draft);
  meta_v1::ObjectMetaEdit meta = pod.edit_metadata();
  meta.set_generate_name(std::string(client::metadata(controller).name()) + "-");
  meta.set_namespace(client::metadata(controller).namespace_());
  for (auto [key, value] : pod_template.metadata().labels()) meta.edit_labels().set(key, value);
  for (auto [key, value] : pod_template.metadata().annotations()) {
    meta.edit_annotations().set(key, value);
  }
  for (std::string_view finalizer : pod_template.metadata().finalizers()) {
    meta.edit_finalizers().append(finalizer);
  }
  set_controller(draft, controller);
  pod.set_spec(pod_template.spec());
  return draft.freeze();
}

}  // namespace tiphys::controllers
