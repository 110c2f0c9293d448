// The status of an autoscaler under way: conditions, replicas, metrics. Pure.
#pragma once
#include <string>
#include <vector>

#include "controllers/autoscaler_metric.h"
#include "kinds/autoscaling_v2.h"

namespace tiphys::controllers {

class AutoscalerStatus {
 public:
  AutoscalerStatus(ObjectPtr autoscaler, MicroTime now);
  // A condition's time is that of its last change from True to False or back.
  void set_condition(std::string_view type, bool value, std::string_view reason,
                     std::string_view message);
  void set_current(int32_t replicas);
  void set_desired(int32_t replicas);
  int32_t desired() const;
  void set_scaled();  // lastScaleTime: now
  void set_metrics(const std::vector<MetricOutcome>& outcomes);
  // The object with this status; null if it has it already.
  ObjectPtr changed() const;

 private:
  autoscaling_v2::HorizontalPodAutoscalerStatusEdit edit();

  ObjectPtr before_;
  Draft draft_;
  MicroTime now_;
};

}  // namespace tiphys::controllers
