// Deployment arithmetic: surge and unavailability limits, rolling steps, proportional scaling.
// Pure. Source: k8s.io/kubernetes pkg/controller/deployment/util.
#pragma once
#include <string>
#include <vector>

#include "kinds/apps_v1.h"

namespace tiphys::controllers {

inline constexpr std::string_view kRevision = "deployment.kubernetes.io/revision";
inline constexpr std::string_view kRevisionHistory = "deployment.kubernetes.io/revision-history";
inline constexpr std::string_view kDesiredReplicas = "deployment.kubernetes.io/desired-replicas";
inline constexpr std::string_view kMaxReplicas = "deployment.kubernetes.io/max-replicas";
inline constexpr std::string_view kTemplateHash = "pod-template-hash";

// A ReplicaSet while its Deployment is planned.
struct ReplicaSetState {
  ObjectPtr object;
  int32_t was = 0;     // spec.replicas
  int32_t wanted = 0;  // what it will be
  apps_v1::ReplicaSet view() const { return apps_v1::ReplicaSet(*object); }
  apps_v1::ReplicaSetStatus status() const { return view().status(); }
};
using ReplicaSetStates = std::vector<ReplicaSetState*>;

struct RolloutLimits {
  int32_t replicas = 0;
  int32_t max_surge = 0;
  int32_t max_unavailable = 0;
  bool rolling = false;
};
RolloutLimits rollout_limits(const apps_v1::Deployment& deployment);

int32_t sum_wanted(const ReplicaSetStates& sets);
int32_t sum_actual(const ReplicaSetStates& sets);  // status.replicas
int32_t sum_available(const ReplicaSetStates& sets);
int32_t sum_ready(const ReplicaSetStates& sets);
int64_t revision_of(const Object& replica_set);
// The number in an annotation; 0: absent or none.
int64_t number_in(const MapView<std::string_view>& annotations, std::string_view key);

// How many replicas the new set should have now, given its current ones and those of all.
int32_t new_set_replicas(const RolloutLimits& limits, int32_t current, int32_t of_all);
// One rolling step down of the old sets: first pods that are not available, then as many as the
// limits allow. True: something changed.
bool shrink_old_sets(const RolloutLimits& limits, const ReplicaSetStates& all,
                     const ReplicaSetStates& old, const ReplicaSetState* newest);
// Spreads a change of the wished replicas over the active sets by their size.
void scale_proportionally(const RolloutLimits& limits, int32_t status_replicas,
                          ReplicaSetStates active);
// Oldest first.
void sort_by_age(ReplicaSetStates& sets);

}  // namespace tiphys::controllers
