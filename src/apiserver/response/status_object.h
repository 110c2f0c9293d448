// A failure as the API's Status object. Pure.
#pragma once
#include "base/status.h"
#include "object/object.h"

namespace tiphys::apiserver {

ObjectPtr status_object(const ApiStatus& failure);

}  // namespace tiphys::apiserver
