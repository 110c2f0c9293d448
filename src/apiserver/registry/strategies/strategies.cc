// The strategies of the built-in kinds: one row a resource.
#include "apiserver/registry/strategies/builtin.h"
#include "apiserver/registry/strategy.h"

namespace tiphys::apiserver {
namespace {

struct Row {
  std::string_view group;
  std::string_view resource;
  Strategy strategy;
};

const Row kRows[] = {
    {"", "pods", pod_strategy()},
    {"", "podtemplates", pod_template_strategy()},
    {"", "services", service_strategy()},
    {"", "configmaps", config_map_strategy()},
    {"", "secrets", secret_strategy()},
    {"", "replicationcontrollers", replication_controller_strategy()},
    {"", "namespaces", namespace_strategy()},
    {"", "nodes", node_strategy()},
    {"", "events", event_strategy()},
    {"", "limitranges", limit_range_strategy()},
    {"", "persistentvolumeclaims", persistent_volume_claim_strategy()},
    {"", "persistentvolumes", persistent_volume_strategy()},
    {"", "resourcequotas", resource_quota_strategy()},
    {"certificates.k8s.io", "certificatesigningrequests", certificate_signing_request_strategy()},
    {"batch", "jobs", job_strategy()},
    {"discovery.k8s.io", "endpointslices", endpoint_slice_strategy()},
    {"resource.k8s.io", "resourceclaims", resource_claim_strategy()},
    {"resource.k8s.io", "resourceclaimtemplates", resource_claim_template_strategy()},
    {"events.k8s.io", "events", event_strategy()},
};

const Strategy kGeneric;

}  // namespace

const Strategy& find_strategy(std::string_view group, std::string_view resource) {
  for (const Row& row : kRows) {
    if (row.group == group && row.resource == resource) return row.strategy;
  }
  return kGeneric;
}

}  // namespace tiphys::apiserver
