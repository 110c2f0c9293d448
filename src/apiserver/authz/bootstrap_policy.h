// BootstrapPolicy: the roles and bindings that every cluster has, read from
// api/v1.35/bootstrap-policy.json (compiled in), and the plan that brings a cluster's stored ones
// up to it. Pure. Upstream: plugin/pkg/auth/authorizer/rbac/bootstrappolicy,
// pkg/registry/rbac/reconciliation.
//
// Format of the file: lists of roles and bindings; each list of words is one text, words
// separated by a space ("core" stands for the group ""). "aggregates": "x" makes a role that
// gathers the roles labelled aggregate-to-x; "aggregateTo" is that label. A controller role NAME
// becomes the cluster role system:controller:NAME, bound to the service account kube-system/NAME.
// Subjects are "User:NAME", "Group:NAME" and "ServiceAccount:NAMESPACE/NAME".
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/lookup.h"
#include "base/result.h"
#include "object/object.h"

namespace tiphys::apiserver {

struct BootstrapPolicy {
  std::vector<ObjectPtr> cluster_roles;
  std::vector<ObjectPtr> cluster_role_bindings;
  std::vector<ObjectPtr> roles;
  std::vector<ObjectPtr> role_bindings;
  // The cluster role of that name, or null.
  ObjectPtr find_cluster_role(std::string_view name) const;
};

// Error: names what is wrong in the text.
Result<BootstrapPolicy> parse_bootstrap_policy(std::string_view json);
// The compiled-in one.
Result<BootstrapPolicy> load_bootstrap_policy();
extern const std::string_view kBootstrapPolicyJson;

struct BootstrapAction {
  bool create = false;  // else update
  std::string_view group;
  std::string_view version;
  std::string_view resource;
  ObjectPtr object;  // to store; for an update with the resourceVersion that it was made from
};

// What to create and update, in order. Stored objects keep what was added to them: missing rules
// and subjects are added, none removed. Objects annotated
// rbac.authorization.kubernetes.io/autoupdate: "false" are left alone, and so are bindings to
// another role (roleRef can't change).
std::vector<BootstrapAction> plan_bootstrap(const BootstrapPolicy& policy, const Lookup& lookup);

}  // namespace tiphys::apiserver
