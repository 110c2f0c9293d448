// Names of Services go into the text of rules: only those that an API server lets through.
// Pure; thread-safe.
#pragma once
#include "proxy/model.h"

namespace tiphys::proxy {

bool has_safe_names(const ServiceFacts& service);

}  // namespace tiphys::proxy
