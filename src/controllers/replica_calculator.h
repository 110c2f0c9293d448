// Replica calculator: how many replicas a metric asks for. Pure: metrics in, replicas out.
//
// Values are thousandths of the metric's unit. What would not fit a number ends at its limit;
// nothing here can fail on what a metrics API answers but by the errors named.
// Source:
// https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details,
// k8s.io/kubernetes pkg/controller/podautoscaler/replica_calculator.go (v1.35), KEP-4951
// (tolerance), KEP-2837 (requests of pods), KEP-753 (sidecars).
#pragma once
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "kinds/core_v1.h"

namespace tiphys::controllers {

struct PodMetric {
  MicroTime timestamp = 0;
  Duration window = std::chrono::minutes(1);
  int64_t value = 0;
};
using PodMetrics = std::map<std::string, PodMetric, std::less<>>;  // by pod name

// How far off 1 the ratio of usage to target may be before anything is scaled.
struct Tolerances {
  double down = 0.1;
  double up = 0.1;
  bool allow(double ratio) const { return 1.0 - down <= ratio && ratio <= 1.0 + up; }
};

// What is scaled, as it is now. Views and objects must outlive the call only.
struct ScaledPods {
  std::vector<ObjectPtr> pods;  // that the target's selector finds
  int32_t replicas = 0;         // that the target's spec asks for
  MicroTime now = 0;
  Tolerances tolerances;
  Duration cpu_initialization_period = std::chrono::minutes(5);
  Duration initial_readiness_delay = std::chrono::seconds(30);
};

struct Proposal {
  int32_t replicas = 0;
  int64_t usage = 0;        // average over pods, or the metric's value
  int32_t utilization = 0;  // percent of what is requested; of utilization_proposal only
};

// A percentage of what the pods request of a resource; of one container's, if one is named.
// Errors: no pods, no metrics of them, a request that is missing.
Result<Proposal> utilization_proposal(const ScaledPods& scaled, PodMetrics metrics,
                                      int32_t target_percent, std::string_view resource,
                                      std::string_view container);
// An average over the pods. resource: "" for metrics that are none. Errors: as above.
Result<Proposal> average_proposal(const ScaledPods& scaled, PodMetrics metrics, int64_t target,
                                  std::string_view resource);
// One value, to be near a target. Error: no pods.
Result<Proposal> value_proposal(const ScaledPods& scaled, int64_t usage, int64_t target);
// One value, shared by all replicas there are.
Proposal per_pod_proposal(int32_t replicas, int64_t usage, int64_t target, Tolerances tolerances);

// The sum, or the largest number there is.
int64_t saturated_sum(const std::vector<int64_t>& values);

}  // namespace tiphys::controllers
