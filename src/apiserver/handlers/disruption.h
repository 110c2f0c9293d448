// Evictions and PodDisruptionBudgets: may this pod go, and what the budget records if it does.
// Upstream: pkg/registry/core/pod/storage/eviction.go.
#pragma once
#include "apiserver/handlers/handler_env.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {

inline constexpr size_t kMaxDisruptedPods = 2000;  // upstream's MaxDisruptedPodSize

struct Disruption {
  std::string budget;          // the budget that covers the pod; "": none does
  bool unhealthy_pod = false;  // nothing was taken: the pod isn't ready and may go as it is
};

// Takes one disruption from the budget that covers the pod, if there is one. Errors: 429 with cause
// DisruptionBudget; 403 for a budget that can't be counted on; 500 for a pod that several budgets
// cover.
Task<Result<Disruption>> take_disruption(HandlerEnv& env, const RequestContext& context,
                                         ObjectPtr pod, bool dry_run);
// 429: the budget's controller has still to see what happened.
ApiStatus budget_in_progress(std::string_view budget);

}  // namespace tiphys::apiserver
