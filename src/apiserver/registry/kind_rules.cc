#include "apiserver/registry/kind_rules.h"

#include "apiserver/validation/ip_checks.h"

namespace tiphys::apiserver {
namespace {

Messages any_path_segment(std::string_view text, bool) { return check_path_segment(text); }
Messages strict_ip(std::string_view text, bool) { return check_strict_ip(text); }
Messages any_name(std::string_view, bool) { return {}; }

constexpr std::string_view kRbac = "rbac.authorization.k8s.io";
constexpr std::string_view kAdmission = "admissionregistration.k8s.io";

const KindRules kRows[] = {
    {"", "namespaces", false, false, check_name_is_dns1123_label},
    {.resource = "services",
     .returns_deleted = true,
     .name_check = check_name_is_dns1035_label,
     .put_creates = true},
    {.resource = "pods", .generation = true, .returns_deleted = true},
    {"", "podtemplates", true, true, nullptr},
    {"", "persistentvolumes", false, true, nullptr},
    {"", "persistentvolumeclaims", false, true, nullptr},
    {"", "resourcequotas", false, true, nullptr},
    {.resource = "serviceaccounts", .returns_deleted = true},
    {.resource = "replicationcontrollers", .generation = true, .dependents = Dependents::kOrphan},
    {.resource = "limitranges", .put_creates = true, .names_itself = true},
    {.resource = "endpoints",
     .put_creates = true,
     .deprecated = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"},
    {.resource = "componentstatuses", .deprecated = "v1 ComponentStatus is deprecated in v1.19+"},
    {"apps", "deployments", true, false, nullptr},
    {"apps", "replicasets", true, false, nullptr},
    {"apps", "daemonsets", true, false, nullptr},
    {"apps", "statefulsets", true, false, nullptr},
    {.group = "batch", .resource = "jobs", .generation = true, .dependents = Dependents::kOrphan},
    {"batch", "cronjobs", true, false, nullptr},
    {"networking.k8s.io", "ingresses", true, false, nullptr},
    {"networking.k8s.io", "ingressclasses", true, false, nullptr},
    {"networking.k8s.io", "networkpolicies", true, false, nullptr},
    {"networking.k8s.io", "ipaddresses", false, false, strict_ip},
    {"policy", "poddisruptionbudgets", true, false, any_path_segment, true, false, true},
    {"scheduling.k8s.io", "priorityclasses", true, false, nullptr},
    {"discovery.k8s.io", "endpointslices", true, false, nullptr},
    {kAdmission, "validatingwebhookconfigurations", true, false, nullptr, true, false, true},
    {kAdmission, "mutatingwebhookconfigurations", true, false, nullptr, true, false, true},
    {kAdmission, "validatingadmissionpolicies", true, false, nullptr},
    {kAdmission, "validatingadmissionpolicybindings", true, false, nullptr},
    {"storage.k8s.io", "storageclasses", false, true, nullptr},
    {"storage.k8s.io", "volumeattachments", false, true, nullptr},
    {"storage.k8s.io", "csidrivers", false, true, nullptr, true},
    {"storage.k8s.io", "csinodes", false, true, nullptr, true},
    {.resource = "events",
     .put_creates = true,
     .plain_finalizers = true,
     .dependents = Dependents::kUnsupported},
    {.group = "events.k8s.io",
     .resource = "events",
     .put_creates = true,
     .plain_finalizers = true,
     .dependents = Dependents::kUnsupported},
    {"coordination.k8s.io", "leases", false, false, nullptr, false, true, true},
    {"node.k8s.io", "runtimeclasses", false, false, nullptr, false, true, true},
    {"storage.k8s.io", "volumeattributesclasses", false, true, nullptr},
    {"resource.k8s.io", "deviceclasses", true, true, nullptr},
    {"resource.k8s.io", "resourceclaims", false, true, nullptr},
    {"resource.k8s.io", "resourceclaimtemplates", false, true, nullptr},
    {"resource.k8s.io", "resourceslices", true, true, nullptr},
    {"flowcontrol.apiserver.k8s.io", "flowschemas", true, false, nullptr},
    {"flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations", true, false, nullptr},
    {"apiextensions.k8s.io", "customresourcedefinitions", true, false, nullptr},
    {"apiregistration.k8s.io", "apiservices", false, false, any_path_segment},
    {"certificates.k8s.io", "certificatesigningrequests", false, false, any_name},
    {kRbac, "roles", false, false, any_path_segment, false, true},
    {kRbac, "rolebindings", false, false, any_path_segment, false, true},
    {kRbac, "clusterroles", false, false, any_path_segment, false, true},
    {kRbac, "clusterrolebindings", false, false, any_path_segment, false, true},
};

const KindRules kGeneric;

}  // namespace

const KindRules& kind_rules(const schema::Resource& resource) {
  for (const KindRules& row : kRows) {
    if (row.resource == resource.resource && row.group == resource.group) return row;
  }
  return kGeneric;
}

Messages check_object_name(const KindRules& rules, std::string_view name, bool prefix) {
  return rules.name_check ? rules.name_check(name, prefix) : check_name_is_subdomain(name, prefix);
}

}  // namespace tiphys::apiserver
