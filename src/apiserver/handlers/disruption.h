// Evictions and PodDisruptionBudgets: may this pod go, and what the budget records if it does.
// Upstream: pkg/registry/core/pod/storage/eviction.go.
#pragma once
#include "apiserver/handlers/handler_env.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {

// Takes one disruption from the budget that covers the pod, if there is one. Errors: 429 with cause
// DisruptionBudget; 500 for a pod that several budgets cover.
Task<Result<void>> take_disruption(HandlerEnv& env, const RequestContext& context, ObjectPtr pod,
                                   bool dry_run);

}  // namespace tiphys::apiserver
