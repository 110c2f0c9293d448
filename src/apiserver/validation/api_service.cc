// Rules of apiregistration.k8s.io that are no rows (kube-aggregator, pkg/apis/apiregistration/
// validation).
#include "apiserver/validation/rule_calls.h"
#include "base/strings.h"
#include "kinds/apiregistration_v1.h"

namespace tiphys::apiserver {

void call_api_service_name(const RuleInput& input, FieldErrors& errors) {
  apiregistration_v1::APIServiceSpec spec =
      apiregistration_v1::APIService(input.scope.object).spec();
  std::string required = std::string(spec.version()) + "." + std::string(spec.group());
  std::string_view name = input.value.as_text();
  if (name == required || !check_path_segment(name).empty()) return;
  errors.invalid(input.path, name,
                 "must be `spec.version+\".\"+spec.group`: " + go_quote(required));
}

// Of the API server's own groups: neither trust nor distrust.
void call_api_service_local(const RuleInput& input, FieldErrors& errors) {
  apiregistration_v1::APIServiceSpec spec(input.value.as_node());
  if (spec.has_service()) return;
  if (!spec.ca_bundle().empty()) {
    errors.invalid(input.path.child("caBundle"), std::to_string(spec.ca_bundle().size()) + " bytes",
                   "local APIServices may not have a caBundle");
  }
  if (spec.insecure_skip_tls_verify()) {
    errors.invalid_raw(input.path.child("insecureSkipTLSVerify"), "true",
                       "local APIServices may not have insecureSkipTLSVerify");
  }
}

void call_api_service_trust(const RuleInput& input, FieldErrors& errors) {
  apiregistration_v1::APIServiceSpec spec(input.parent);
  if (!spec.has_service() || !input.value.as_bool() || spec.ca_bundle().empty()) return;
  errors.invalid_raw(input.path, "true", "may not be true if caBundle is present");
}

}  // namespace tiphys::apiserver
