#include "controllers/autoscaler_status.h"

namespace tiphys::controllers {

AutoscalerStatus::AutoscalerStatus(ObjectPtr autoscaler, MicroTime now)
    : before_(autoscaler), draft_(*autoscaler), now_(now) {}

autoscaling_v2::HorizontalPodAutoscalerStatusEdit AutoscalerStatus::edit() {
  return autoscaling_v2::HorizontalPodAutoscalerEdit(draft_).edit_status();
}

void AutoscalerStatus::set_condition(std::string_view type, bool value, std::string_view reason,
                                     std::string_view message) {
  auto conditions = edit().edit_conditions();
  size_t at = 0;
  while (at < conditions.size() && conditions[at].view().type() != type) ++at;
  auto condition = at < conditions.size() ? conditions[at] : conditions.append();
  std::string_view text = value ? "True" : "False";
  if (condition.view().status() != text) condition.set_last_transition_time(now_);
  condition.set_type(type);
  condition.set_status(text);
  condition.set_reason(reason);
  condition.set_message(message);
}

void AutoscalerStatus::set_current(int32_t replicas) { edit().set_current_replicas(replicas); }
void AutoscalerStatus::set_desired(int32_t replicas) { edit().set_desired_replicas(replicas); }
void AutoscalerStatus::set_scaled() { edit().set_last_scale_time(now_); }

void AutoscalerStatus::set_metrics(const std::vector<MetricOutcome>& outcomes) {
  edit().clear_current_metrics();
  for (const MetricOutcome& outcome : outcomes) {
    edit().edit_current_metrics().append(autoscaling_v2::MetricStatus(outcome.status));
  }
}

ObjectPtr AutoscalerStatus::changed() const {
  using autoscaling_v2::HorizontalPodAutoscaler;
  bool same =
      equal(HorizontalPodAutoscaler(draft_).status(), HorizontalPodAutoscaler(*before_).status());
  return same ? nullptr : draft_.freeze();
}

int32_t AutoscalerStatus::desired() const {
  return autoscaling_v2::HorizontalPodAutoscaler(draft_.root()).status().desired_replicas();
}

}  // namespace tiphys::controllers
