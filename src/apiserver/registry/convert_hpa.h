// autoscaling/v1 HorizontalPodAutoscaler to and from v2. Metrics other than CPU utilization, the
// behavior and the conditions travel in v1's annotations, as upstream's conversion keeps them.
// Pure.
#pragma once
#include "object/object.h"

namespace tiphys::apiserver {

Draft hpa_v1_to_v2(const Draft& v1);
ObjectPtr hpa_v2_to_v1(const Object& v2);

}  // namespace tiphys::apiserver
