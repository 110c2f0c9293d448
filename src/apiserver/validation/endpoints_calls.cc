// What rows of Endpoints call.
#include "apiserver/validation/checks.h"
#include "apiserver/validation/rule_calls.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {

void call_endpoint_subset(const RuleInput& input, FieldErrors& errors) {
  core_v1::EndpointSubset subset(input.value.as_node());
  if (subset.addresses().empty() && subset.not_ready_addresses().empty()) {
    errors.required(input.path, "must specify `addresses` or `notReadyAddresses`");
  }
  for (size_t i = 0; i < subset.ports().size() && subset.ports().size() > 1; ++i) {
    if (!subset.ports()[i].name().empty()) continue;
    errors.required(input.path.child("ports").index(i).child("name"));
  }
}

void call_endpoint_ip(const RuleInput& input, FieldErrors& errors) {
  check_endpoint_ip(input.value.as_text(), input.path, errors);
}

}  // namespace tiphys::apiserver
