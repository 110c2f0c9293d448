#include "controllers/resources.h"

#include <cassert>

namespace tiphys::controllers {

namespace {

const schema::Resource& served(std::string_view group, std::string_view resource,
                               std::string_view version = "v1") {
  const schema::Resource* found = schema::find_resource(group, version, resource);
  assert(found && "api/ lacks a resource that controllers work on");
  return *found;
}

}  // namespace

const schema::Resource& pods() { return served("", "pods"); }
const schema::Resource& nodes() { return served("", "nodes"); }
const schema::Resource& namespaces() { return served("", "namespaces"); }
const schema::Resource& services() { return served("", "services"); }
const schema::Resource& endpoints() { return served("", "endpoints"); }
const schema::Resource& service_accounts() { return served("", "serviceaccounts"); }
const schema::Resource& config_maps() { return served("", "configmaps"); }
const schema::Resource& secrets() { return served("", "secrets"); }
const schema::Resource& replication_controllers() { return served("", "replicationcontrollers"); }
const schema::Resource& replica_sets() { return served("apps", "replicasets"); }
const schema::Resource& deployments() { return served("apps", "deployments"); }
const schema::Resource& daemon_sets() { return served("apps", "daemonsets"); }
const schema::Resource& stateful_sets() { return served("apps", "statefulsets"); }
const schema::Resource& controller_revisions() { return served("apps", "controllerrevisions"); }
const schema::Resource& jobs() { return served("batch", "jobs"); }
const schema::Resource& cron_jobs() { return served("batch", "cronjobs"); }
const schema::Resource& horizontal_pod_autoscalers() {
  return served("autoscaling", "horizontalpodautoscalers", "v2");
}
const schema::Resource& pod_disruption_budgets() {
  return served("policy", "poddisruptionbudgets");
}
const schema::Resource& endpoint_slices() { return served("discovery.k8s.io", "endpointslices"); }
const schema::Resource& leases() { return served("coordination.k8s.io", "leases"); }
const schema::Resource& persistent_volume_claims() { return served("", "persistentvolumeclaims"); }
const schema::Resource& persistent_volumes() { return served("", "persistentvolumes"); }
const schema::Resource& volume_attributes_classes() {
  return served("storage.k8s.io", "volumeattributesclasses");
}
const schema::Resource& resource_quotas() { return served("", "resourcequotas"); }
const schema::Resource& cluster_roles() {
  return served("rbac.authorization.k8s.io", "clusterroles");
}
const schema::Resource& certificate_signing_requests() {
  return served("certificates.k8s.io", "certificatesigningrequests");
}
const schema::Resource& service_cidrs() { return served("networking.k8s.io", "servicecidrs"); }
const schema::Resource& ip_addresses() { return served("networking.k8s.io", "ipaddresses"); }

std::string_view group_of(std::string_view api_version) {
  size_t slash = api_version.find('/');
  return slash == std::string_view::npos ? std::string_view() : api_version.substr(0, slash);
}
}  // namespace tiphys::controllers
