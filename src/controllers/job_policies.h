// Policies of a Job: what a pod's failure means (podFailurePolicy), and which successes are enough
// (successPolicy). Pure.
// Source: https://kubernetes.io/docs/concepts/workloads/controllers/job/, KEP-3329, KEP-3998.
#pragma once
#include <optional>
#include <string>

#include "controllers/index_ranges.h"
#include "kinds/batch_v1.h"
#include "kinds/core_v1.h"

namespace tiphys::controllers {

struct FailureVerdict {
  std::string_view action;  // Ignore, Count, FailIndex, FailJob; "": no rule matched
  std::string message;      // of FailJob
  bool counts() const { return action != "Ignore"; }
};
// The first rule that matches a failed pod.
FailureVerdict match_failure(const batch_v1::JobSpec& spec, const core_v1::Pod& pod);

// The message about the first rule that is met; nothing: none is.
std::optional<std::string> match_success(const batch_v1::JobSpec& spec,
                                         const IndexRanges& succeeded);

}  // namespace tiphys::controllers
