// Upstream's answer to a patch that cannot be applied; it does not tell why. Pure.
#pragma once
#include "base/status.h"

namespace tiphys::apiserver {

inline ApiStatus rejected() {
  ApiStatus::Data data;
  data.code = 422;
  data.reason = "Invalid";
  data.message = "the server rejected our request due to an error in our request";
  data.has_details = true;
  return ApiStatus(std::move(data));
}

}  // namespace tiphys::apiserver
