// Rules of rbac.authorization.k8s.io that are no rows.
#include "apiserver/validation/rule_calls.h"
#include "kinds/rbac_v1.h"

namespace tiphys::apiserver {

void call_policy_rule(const RuleInput& input, FieldErrors& errors) {
  rbac_v1::PolicyRule rule(input.value.as_node());
  if (rule.non_resource_urls().empty()) return;
  FieldPath path = input.path.child("nonResourceURLs");
  std::string urls = printed_field(rbac_v1::PolicyRule::message(), rule.node(), "nonResourceURLs");
  if (&input.scope.object.type() == &rbac_v1::Role::message()) {
    errors.invalid_raw(path, urls, "namespaced rules cannot apply to non-resource URLs");
  }
  if (!rule.api_groups().empty() || !rule.resources().empty() || !rule.resource_names().empty()) {
    errors.invalid_raw(path, urls,
                       "rules cannot apply to both regular resources and non-resource URLs");
  }
}

void call_cluster_subjects(const RuleInput& input, FieldErrors& errors) {
  ListView<rbac_v1::Subject> subjects(input.value.as_node());
  for (size_t i = 0; i < subjects.size(); ++i) {
    if (subjects[i].kind() == "ServiceAccount" && subjects[i].namespace_().empty()) {
      errors.required(input.path.index(i).child("namespace"));
    }
  }
}

}  // namespace tiphys::apiserver
