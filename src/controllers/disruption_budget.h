// A look at one PodDisruptionBudget and the pods that it covers: its status. Pure.
// Source: https://kubernetes.io/docs/concepts/workloads/pods/disruptions/,
// https://kubernetes.io/docs/tasks/run-application/configure-pdb/
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "controllers/action.h"
#include "kinds/core_v1.h"
#include "kinds/policy_v1.h"

namespace tiphys::controllers {

// An eviction that was allowed but not followed by a deletion within this time is forgotten.
inline constexpr Duration kDeletionTimeout = std::chrono::minutes(2);
// A pod whose disruption was announced and did not come within this time is told so.
inline constexpr Duration kStaleDisruption = std::chrono::minutes(2);

// What controls a pod, with the replicas that it wants: a Deployment rather than its ReplicaSet.
struct PodScale {
  std::string uid;
  int32_t replicas = 0;
};

struct DisruptionWorld {
  ObjectPtr budget;
  std::vector<ObjectPtr> pods;  // that it selects
  // Error: `found no controllers for pod "x"`, or why there is no scale.
  std::function<Result<PodScale>(const ObjectPtr& pod)> scale_of;
};

// Events and the new status, if it differs.
Decision plan_disruption_budget(const DisruptionWorld& world, MicroTime now);

// The pod without a DisruptionTarget condition that did not come true; how long until that.
Decision plan_stale_disruption(const ObjectPtr& pod, MicroTime now);

}  // namespace tiphys::controllers
