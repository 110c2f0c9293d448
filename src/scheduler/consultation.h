// consult(): schedule() with extenders asked between its steps.
//
// While they think, the cluster may change: what is kept meanwhile are names. A node that is gone,
// or that the filters no longer let the pod onto, is not chosen. Loop thread only. Source:
// k8s.io/kubernetes/pkg/scheduler/schedule_one.go, v1.35.
#pragma once
#include "scheduler/cache.h"
#include "scheduler/extender_calls.h"
#include "scheduler/schedule.h"

namespace tiphys::scheduler {

struct Consultation {
  Decision decision;               // valid until the next co_await
  std::optional<ApiStatus> error;  // an extender failed that may not be ignored
  // The cluster changed, and none of the chosen nodes will do any more: try again.
  bool overtaken = false;
  // How long the plugins took, waiting for extenders aside; zero: they were not asked.
  Duration filtering{0}, scoring{0};
};

// Everything but the pod outlives the call. `start` as in schedule().
Task<Consultation> consult(ExtenderCalls& extenders, Cache& cache, PodPtr pod,
                           const Profile& profile, size_t start, Random& random);

}  // namespace tiphys::scheduler
