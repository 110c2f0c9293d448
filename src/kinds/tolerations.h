// Tolerations and taints
// (https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/). Pure; views must
// outlive the call only.
#pragma once
#include <optional>

#include "kinds/core_v1.h"

namespace tiphys {

// An operator that is neither Exists, Equal nor empty tolerates nothing.
bool tolerates(const core_v1::Toleration& toleration, const core_v1::Taint& taint);
// The first toleration of the taint, or nothing.
std::optional<core_v1::Toleration> find_toleration(const ListView<core_v1::Toleration>& tolerations,
                                                   const core_v1::Taint& taint);

}  // namespace tiphys
