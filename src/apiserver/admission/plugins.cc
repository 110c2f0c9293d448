#include "apiserver/admission/plugins.h"

#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

using Factory = std::unique_ptr<AdmissionPlugin> (*)(const AdmissionParts&);

struct Row {
  std::string_view name;
  Factory make = nullptr;  // null: upstream's, not there yet
  bool by_default = false;
};

// All of upstream's, in its order.
constexpr Row kRows[] = {
    {"AlwaysAdmit"},
    {"NamespaceAutoProvision"},
    {"NamespaceLifecycle", make_namespace_lifecycle, true},
    {"NamespaceExists"},
    {"LimitPodHardAntiAffinityTopology"},
    {"LimitRanger", make_limit_ranger, true},
    {"ServiceAccount", make_service_account, true},
    {"NodeRestriction", make_node_restriction, true},
    {"TaintNodesByCondition", make_taint_nodes_by_condition, true},
    {"AlwaysPullImages"},
    {"ImagePolicyWebhook"},
    {"PodSecurity", make_pod_security, true},
    {"PodNodeSelector"},
    {"Priority", make_priority, true},
    {"DefaultTolerationSeconds", make_default_toleration_seconds, true},
    {"PodTolerationRestriction"},
    {"EventRateLimit"},
    {"ExtendedResourceToleration"},
    {"DefaultStorageClass", make_default_storage_class, true},
    {"StorageObjectInUseProtection", make_storage_object_in_use_protection, true},
    {"OwnerReferencesPermissionEnforcement"},
    {"PersistentVolumeClaimResize", make_persistent_volume_claim_resize, true},
    {"RuntimeClass", make_runtime_class, true},
    {"CertificateApproval", make_certificate_approval, true},
    {"CertificateSigning", make_certificate_signing, true},
    {"ClusterTrustBundleAttest"},
    {"CertificateSubjectRestriction", make_certificate_subject_restriction, true},
    {"DefaultIngressClass", make_default_ingress_class, true},
    {"PodTopologyLabels", make_pod_topology_labels, true},
    {"NodeDeclaredFeatureValidator"},
    {"DenyServiceExternalIPs", make_deny_service_external_ips},
    {"MutatingAdmissionPolicy"},
    {"MutatingAdmissionWebhook"},
    {"ValidatingAdmissionPolicy"},
    {"ValidatingAdmissionWebhook"},
    {"ResourceQuota", make_resource_quota, true},
    {"AlwaysDeny"},
};

const Row* find_row(std::string_view name) {
  const Row* row = std::find_if(std::begin(kRows), std::end(kRows),
                                [&](const Row& r) { return r.name == name; });
  return row == std::end(kRows) ? nullptr : row;
}

bool contains(const std::vector<std::string>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

Result<void> check_names(const std::vector<std::string>& enabled,
                         const std::vector<std::string>& disabled) {
  for (const std::string& name : enabled) {
    const Row* row = find_row(name);
    if (!row) {
      return ApiStatus::internal("enable-admission-plugins plugin " + go_quote(name) +
                                 " is unknown");
    }
    if (!row->make) {
      return ApiStatus::internal("enable-admission-plugins plugin " + go_quote(name) +
                                 " is not there yet");
    }
    if (contains(disabled, name)) {
      return ApiStatus::internal("[" + name +
                                 "] in enable-admission-plugins and "
                                 "disable-admission-plugins overlapped");
    }
  }
  for (const std::string& name : disabled) {
    if (find_row(name)) continue;
    return ApiStatus::internal("disable-admission-plugins plugin " + go_quote(name) +
                               " is unknown");
  }
  return {};
}

}  // namespace

Result<std::vector<std::unique_ptr<AdmissionPlugin>>> make_admission(
    const AdmissionParts& parts, const std::vector<std::string>& enabled,
    const std::vector<std::string>& disabled) {
  if (auto good = check_names(enabled, disabled); !good) return good.error();
  std::vector<std::unique_ptr<AdmissionPlugin>> chain;
  for (const Row& row : kRows) {
    bool wanted = row.by_default || contains(enabled, row.name);
    if (row.make && wanted && !contains(disabled, row.name)) chain.push_back(row.make(parts));
  }
  if (parts.rbac) chain.push_back(make_rbac_escalation(parts));
  return chain;
}

}  // namespace tiphys::apiserver
