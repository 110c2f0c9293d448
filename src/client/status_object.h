// metav1.Status objects and ApiStatus values: the same failure in two shapes. Pure.
#pragma once
#include "base/status.h"
#include "object/object.h"

namespace tiphys::client {

// The failure that a Status object describes; of any other object an InternalError.
ApiStatus status_of(const Object& object);
// The reason that upstream's clients assume for a code of an answer without a Status body.
ApiStatus status_of_code(int code, std::string_view body);

}  // namespace tiphys::client
