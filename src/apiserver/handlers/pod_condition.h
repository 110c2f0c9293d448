// Conditions that the API server itself sets in a pod's status. Pure.
#pragma once
#include <string_view>

#include "base/time.h"
#include "object/object.h"

namespace tiphys::apiserver {

struct PodConditionChange {
  std::string_view type;
  std::string_view status = "True";
  std::string_view reason;
  std::string_view message;
};
// Adds or replaces the condition; lastTransitionTime moves with the status only.
void set_pod_condition(Draft& pod, const PodConditionChange& change, MicroTime now);

}  // namespace tiphys::apiserver
