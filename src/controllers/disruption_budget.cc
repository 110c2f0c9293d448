#include "controllers/disruption_budget.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/time_math.h"
#include "client/object_key.h"
#include "controllers/resources.h"
#include "controllers/selector_text.h"
#include "kinds/pods.h"
#include "object/int_or_string.h"

namespace tiphys::controllers {

using client::metadata;

namespace {

constexpr std::string_view kAllowed = "DisruptionAllowed";

constexpr MicroTime micros(Duration time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
}

void set_allowed(policy_v1::PodDisruptionBudgetStatusEdit status, std::string_view value,
                 std::string_view reason, std::string_view message, MicroTime now) {
  auto conditions = status.edit_conditions();
  size_t at = 0;
  while (at < conditions.size() && conditions[at].view().type() != kAllowed) ++at;
  if (at == conditions.size()) conditions.append();
  auto condition = conditions[at];
  if (condition.view().status() != value) condition.set_last_transition_time(now);
  condition.set_type(kAllowed);
  condition.set_status(value);
  condition.set_reason(reason);
  condition.set_message(message);
  condition.set_observed_generation(status.view().observed_generation());
}

class BudgetLook {
 public:
  BudgetLook(const DisruptionWorld& world, MicroTime now)
      : world_(world), now_(now), budget_(*world.budget), spec_(budget_.spec()) {}

  Decision run() {
    if (world_.pods.empty()) note("Normal", "NoPods", "No matching pods found");
    Result<void> counted = count_expected();
    Draft draft(*world_.budget);
    auto status = policy_v1::PodDisruptionBudgetEdit(draft).edit_status();
    if (counted) {
      if (unmanaged_) note_unmanaged();
      fill(status);
    } else {
      std::string why = counted.error().message();
      note("Warning", "CalculateExpectedPodCountFailed",
           "Failed to calculate the number of expected pods: " + why);
      // Nothing may be evicted while nobody knows what is left.
      status.set_disruptions_allowed(0);
      set_allowed(status, "False", "SyncFailed", why, now_);
    }
    if (!equal(status.view(), budget_.status())) {
      decision_.add(update_action(pod_disruption_budgets(), draft.freeze(), "status"));
    }
    return std::move(decision_);
  }

 private:
  void note(std::string type, std::string reason, std::string message) {
    decision_.add(
        note_action(world_.budget, std::move(type), std::move(reason), std::move(message)));
  }
  void note_unmanaged() {
    note("Warning", "UnmanagedPods",
         "Pods selected by this PodDisruptionBudget (selector: " + selector_text(spec_.selector()) +
             ") were found to be unmanaged. As a result, the status of the PDB cannot be "
             "calculated correctly, which may result in undefined behavior. To account for these "
             "pods please set \".spec.minAvailable\" field of the PDB to an integer value.");
  }

  Result<void> count_expected() {
    bool number = spec_.min_available().type == ValueType::kInt;
    if (!spec_.has_max_unavailable() && !spec_.has_min_available()) return {};
    if (!spec_.has_max_unavailable() && number) {
      desired_ = static_cast<int32_t>(spec_.min_available().as_int());
      expected_ = static_cast<int32_t>(world_.pods.size());
      return {};
    }
    TIPHYS_TRY(int32_t, expected, sum_of_scales());
    expected_ = expected;
    const Value& limit =
        spec_.has_max_unavailable() ? spec_.max_unavailable() : spec_.min_available();
    TIPHYS_TRY(int32_t, scaled, scaled_value(limit, expected_, true));
    desired_ = spec_.has_max_unavailable() ? std::max(expected_ - scaled, 0) : scaled;
    return {};
  }

  // Of all that controls these pods.
  Result<int32_t> sum_of_scales() {
    std::map<std::string, int32_t> scales;
    for (const ObjectPtr& pod : world_.pods) {
      if (tiphys::controller_of(metadata(*pod)).uid().empty()) {
        unmanaged_ = true;
        continue;
      }
      TIPHYS_TRY(PodScale, scale, world_.scale_of(pod));
      scales[scale.uid] = scale.replicas;
    }
    int64_t sum = 0;
    for (auto& [uid, replicas] : scales) sum += replicas;
    return static_cast<int32_t>(std::min<int64_t>(sum, INT32_MAX));
  }

  void fill(policy_v1::PodDisruptionBudgetStatusEdit status) {
    keep_disrupted(status);
    int32_t healthy = count_healthy();
    int32_t allowed = expected_ > 0 ? std::max(healthy - desired_, 0) : 0;
    status.set_current_healthy(healthy);
    status.set_desired_healthy(desired_);
    status.set_expected_pods(expected_);
    status.set_disruptions_allowed(allowed);
    status.set_observed_generation(budget_.metadata().generation());
    set_allowed(status, allowed > 0 ? "True" : "False",
                allowed > 0 ? "SufficientPods" : "InsufficientPods", "", now_);
  }

  // Pods that were allowed to go and are not seen to go yet.
  void keep_disrupted(policy_v1::PodDisruptionBudgetStatusEdit status) {
    auto before = budget_.status().disrupted_pods();
    status.clear_disrupted_pods();
    for (const ObjectPtr& pod : world_.pods) {
      std::string_view name = metadata(*pod).name();
      if (is_deleting(*pod) || !before.contains(name)) continue;
      MicroTime since = before.find(name);
      MicroTime until = since + micros(kDeletionTimeout);
      if (until < now_) {
        decision_.add(note_action(pod, "Warning", "NotDeleted",
                                  "Pod was expected by PDB " + client::object_key(*world_.budget) +
                                      " to be deleted but it wasn't"));
        continue;
      }
      status.edit_disrupted_pods().set(name, since);
      disrupted_.emplace(name);
      decision_.look_again_in(time_between(now_, until + 1));
    }
  }

  int32_t count_healthy() const {
    int32_t healthy = 0;
    for (const ObjectPtr& pod : world_.pods) {
      if (is_deleting(*pod) || disrupted_.contains(metadata(*pod).name())) continue;
      if (kinds::is_ready(core_v1::Pod(*pod))) ++healthy;
    }
    return healthy;
  }

  const DisruptionWorld& world_;
  MicroTime now_;
  policy_v1::PodDisruptionBudget budget_;
  policy_v1::PodDisruptionBudgetSpec spec_;
  int32_t expected_ = 0;
  int32_t desired_ = 0;
  bool unmanaged_ = false;
  std::set<std::string_view> disrupted_;
  Decision decision_;
};

}  // namespace

Decision plan_disruption_budget(const DisruptionWorld& world, MicroTime now) {
  return BudgetLook(world, now).run();
}

Decision plan_stale_disruption(const ObjectPtr& object, MicroTime now) {
  Decision decision;
  core_v1::Pod pod(*object);
  core_v1::PodCondition told = kinds::find_condition(pod.status(), "DisruptionTarget");
  // What a kubelet tells comes true, however long it takes.
  bool stale = told.status() == "True" && told.reason() != "TerminationByKubelet" &&
               !kinds::is_finished(pod) && !is_deleting(*object);
  if (!stale) return decision;
  MicroTime until = told.last_transition_time() + micros(kStaleDisruption);
  if (until > now) {
    decision.look_again_in(time_between(now, until));
    return decision;
  }
  Draft draft(*object);
  auto conditions = core_v1::PodEdit(draft).edit_status().edit_conditions();
  for (size_t i = 0; i < conditions.size(); ++i) {
    if (conditions[i].view().type() != "DisruptionTarget") continue;
    conditions[i].set_status("False");
    conditions[i].set_last_transition_time(now);
  }
  decision.add(update_action(pods(), draft.freeze(), "status"));
  return decision;
}

}  // namespace tiphys::controllers
