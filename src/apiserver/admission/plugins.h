// The admission plugins that are there, and the chain made of them in upstream's order.
//
// Each plugin stands in its own file, named as upstream's plugin; it is pure over the look-ups.
// Upstream: pkg/kubeapiserver/options/plugins.go.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/admission/admission.h"
#include "apiserver/authz/authorizer.h"
#include "apiserver/authz/rbac.h"
#include "base/random.h"

namespace tiphys::apiserver {

// Writes an object's status if its resourceVersion is still the stored one (else: Conflict).
using StatusWriter = std::function<Task<Result<ObjectPtr>>(Draft object)>;

// What plugins work with; all must outlive them.
struct AdmissionParts {
  Loop* loop = nullptr;
  const Lookup* lookup = nullptr;
  Random* random = nullptr;
  Authorizer* authorizer = nullptr;      // may be null: checks through it allow everything
  const RbacAuthorizer* rbac = nullptr;  // null: no escalation checks
  StatusWriter write_status;             // of resource quotas
};

// --enable-admission-plugins and --disable-admission-plugins. Errors as upstream's flag validation:
// enable-admission-plugins plugin "X" is unknown. Plugins of upstream's that aren't there yet are
// accepted in `disabled` and refused in `enabled`.
Result<std::vector<std::unique_ptr<AdmissionPlugin>>> make_admission(
    const AdmissionParts& parts, const std::vector<std::string>& enabled,
    const std::vector<std::string>& disabled);

std::unique_ptr<AdmissionPlugin> make_namespace_lifecycle(const AdmissionParts& parts);
std::unique_ptr<AdmissionPlugin> make_limit_ranger(const AdmissionParts& parts);
std::unique_ptr<AdmissionPlugin> make_service_account(const AdmissionParts& parts);
std::unique_ptr<AdmissionPlugin> make_node_restriction(const AdmissionParts& parts);
std::unique_ptr<AdmissionPlugin> make_taint_nodes_by_condition(const AdmissionParts& parts);
std::unique_ptr<AdmissionPlugin> make_pod_security(const AdmissionParts& parts);
std::unique_ptr<AdmissionPlugin> make_priority(const AdmissionParts& parts);
std::unique_ptr<AdmissionPlugin> make_default_toleration_seconds(const AdmissionParts& parts);
std::unique_ptr<AdmissionPlugin> make_default_storage_class(const AdmissionParts& parts);
std::unique_ptr<AdmissionPlugin> make_storage_object_in_use_protection(const AdmissionParts& parts);
std::unique_ptr<AdmissionPlugin> make_runtime_class(const AdmissionParts& parts);
std::unique_ptr<AdmissionPlugin> make_certificate_approval(const AdmissionParts& parts);
std::unique_ptr<AdmissionPlugin> make_certificate_signing(const AdmissionParts& parts);
std::unique_ptr<AdmissionPlugin> make_certificate_subject_restriction(const AdmissionParts& parts);
std::unique_ptr<AdmissionPlugin> make_default_ingress_class(const AdmissionParts& parts);
std::unique_ptr<AdmissionPlugin> make_persistent_volume_claim_resize(const AdmissionParts& parts);
std::unique_ptr<AdmissionPlugin> make_pod_topology_labels(const AdmissionParts& parts);
std::unique_ptr<AdmissionPlugin> make_deny_service_external_ips(const AdmissionParts& parts);
std::unique_ptr<AdmissionPlugin> make_resource_quota(const AdmissionParts& parts);
// No plugin upstream: there the storage of roles and bindings does it. Always on with RBAC, last.
std::unique_ptr<AdmissionPlugin> make_rbac_escalation(const AdmissionParts& parts);

}  // namespace tiphys::apiserver
