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
}

// Only one port may go without a name.
void call_endpoint_port_names(const RuleInput& input, FieldErrors& errors) {
  auto ports = core_v1::EndpointSubset(input.parent).ports();
  for (size_t i = 0; i < ports.size() && ports.size() > 1; ++i) {
    if (ports[i].name().empty()) errors.required(input.path.index(i).child("name"));
  }
}

void call_endpoint_ip(const RuleInput& input, FieldErrors& errors) {
  check_endpoint_ip(input.value.as_text(), input.path, errors);
}

}  // namespace tiphys::apiserver
