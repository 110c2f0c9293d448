// events.k8s.io/v1 Event to and from core/v1 Event: the same fields under other names. Pure.
#pragma once
#include "object/object.h"

namespace tiphys::apiserver {

Draft event_to_core(const Draft& event);
ObjectPtr event_from_core(const Object& event);

}  // namespace tiphys::apiserver
