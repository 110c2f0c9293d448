#include "apiserver/registry/kind_defaults.h"

#include "apiserver/registry/default_kinds.h"
#include "apiserver/registry/defaults.h"

namespace tiphys::apiserver {
namespace {

struct DefaultRow {
  std::string_view group;
  std::string_view version;
  std::string_view resource;
  void (*apply)(Draft& draft);
};

void pod(Draft& draft) { default_pod(core_v1::PodEdit(draft)); }
void claim(Draft& draft) { default_claim(core_v1::PersistentVolumeClaimEdit(draft)); }
void pod_template(Draft& draft) {
  default_pod_template(core_v1::PodTemplateEdit(draft).edit_template());
}

constexpr std::string_view kRbac = "rbac.authorization.k8s.io";
constexpr std::string_view kAdmission = "admissionregistration.k8s.io";

const DefaultRow kRows[] = {
    {"", "v1", "pods", pod},
    {"", "v1", "podtemplates", pod_template},
    {"", "v1", "services", default_service},
    {"", "v1", "secrets", default_secret},
    {"", "v1", "namespaces", default_namespace},
    {"", "v1", "nodes", default_node},
    {"", "v1", "persistentvolumes", default_persistent_volume},
    {"", "v1", "persistentvolumeclaims", claim},
    {"", "v1", "replicationcontrollers", default_replication_controller},
    {"", "v1", "limitranges", default_limit_range},
    {"", "v1", "endpoints", default_endpoints},
    {"apps", "v1", "deployments", default_deployment},
    {"apps", "v1", "replicasets", default_replica_set},
    {"apps", "v1", "daemonsets", default_daemon_set},
    {"apps", "v1", "statefulsets", default_stateful_set},
    {"batch", "v1", "jobs", default_job},
    {"batch", "v1", "cronjobs", default_cron_job},
    {"autoscaling", "v2", "horizontalpodautoscalers", default_hpa_v2},
    {"autoscaling", "v1", "horizontalpodautoscalers", default_hpa_v1},
    {"networking.k8s.io", "v1", "networkpolicies", default_network_policy},
    {"networking.k8s.io", "v1", "ingressclasses", default_ingress_class},
    {"discovery.k8s.io", "v1", "endpointslices", default_endpoint_slice},
    {kRbac, "v1", "rolebindings", default_role_binding},
    {kRbac, "v1", "clusterrolebindings", default_cluster_role_binding},
    {"storage.k8s.io", "v1", "storageclasses", default_storage_class},
    {"storage.k8s.io", "v1", "csidrivers", default_csi_driver},
    {"scheduling.k8s.io", "v1", "priorityclasses", default_priority_class},
    {kAdmission, "v1", "validatingwebhookconfigurations", default_validating_webhooks},
    {kAdmission, "v1", "mutatingwebhookconfigurations", default_mutating_webhooks},
    {"flowcontrol.apiserver.k8s.io", "v1", "flowschemas", default_flow_schema},
    {"apiregistration.k8s.io", "v1", "apiservices", default_api_service},
};

}  // namespace

void apply_kind_defaults(const schema::Resource& resource, Draft& object) {
  if (&object.type() != resource.message) return;
  for (const DefaultRow& row : kRows) {
    if (row.resource == resource.resource && row.group == resource.group &&
        row.version == resource.version) {
      return row.apply(object);
    }
  }
}

void apply_defaults(const schema::Resource& resource, Draft& object) {
  apply_schema_defaults(object);
  apply_kind_defaults(resource, object);
}

}  // namespace tiphys::apiserver
