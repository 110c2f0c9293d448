#include "apiserver/handlers/pod_condition.h"

#include "kinds/core_v1.h"

namespace tiphys::apiserver {

void set_pod_condition(Draft& pod, const PodConditionChange& change, MicroTime now) {
  auto conditions = core_v1::PodEdit(pod).edit_status().edit_conditions();
  size_t at = 0;
  while (at < conditions.size() &&
         core_v1::PodCondition(conditions[at].node()).type() != change.type) {
    ++at;
  }
  if (at == conditions.size()) conditions.append();
  auto condition = conditions[at];
  bool moved = core_v1::PodCondition(condition.node()).status() != change.status;
  condition.set_type(change.type);
  condition.set_status(change.status);
  condition.set_reason(change.reason);
  condition.set_message(change.message);
  if (moved) condition.set_last_transition_time(whole_seconds(now));
}

}  // namespace tiphys::apiserver
