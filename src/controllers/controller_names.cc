#include "controllers/controller_names.h"

#include <algorithm>

namespace tiphys::controllers {

namespace {

struct Names {
  std::string_view controller;
  std::string_view account;  // "": the same
  std::string_view queue;    // "": without "-controller", with "_" for "-"
};

constexpr std::string_view kManager = "kube-controller-manager";

constexpr Names kNames[] = {
    {"serviceaccount-token-controller", kManager, "serviceaccount_tokens_service"},
    {"serviceaccount-controller", "service-account-controller", ""},
    {"root-ca-certificate-publisher-controller", "root-ca-cert-publisher",
     "root_ca_cert_publisher"},
    {"certificatesigningrequest-approving-controller", "certificate-controller", "certificate"},
    {"certificatesigningrequest-signing-controller", "certificate-controller", "certificate"},
    {"certificatesigningrequest-cleaner-controller", "certificate-controller", "certificate"},
    {"node-ipam-controller", "node-controller", ""},
    {"node-lifecycle-controller", "node-controller", "node_lifecycle_controller"},
    {"taint-eviction-controller", "node-controller", "noexec_taint_node"},
    {"clusterrole-aggregation-controller", "", "ClusterRoleAggregator"},
    {"daemonset-controller", "daemon-set-controller", ""},
    {"replicationcontroller-controller", "replication-controller", "replicationmanager"},
    {"ttl-after-finished-controller", "", "ttl_jobs_to_delete"},
    {"horizontal-pod-autoscaler-controller", "horizontal-pod-autoscaler",
     "horizontalpodautoscaler"},
    {"endpointslice-controller", "", "endpoint_slice"},
    {"endpointslice-mirroring-controller", "endpointslicemirroring-controller",
     "endpoint_slice_mirroring"},
    {"endpoints-controller", "endpoint-controller", "endpoint"},
    {"pod-garbage-collector-controller", "pod-garbage-collector", "orphaned_pods_nodes"},
    {"persistentvolumeclaim-protection-controller", "pvc-protection-controller", "pvcprotection"},
    {"persistentvolume-protection-controller", "pv-protection-controller", "pvprotection"},
    {"volumeattributesclass-protection-controller", "", "vacprotection"},
    {"service-cidr-controller", "service-cidrs-controller", "servicecidrs"},
    {"resourcequota-controller", "", "resourcequota_primary"},
    {"garbage-collector-controller", "generic-garbage-collector",
     "garbage_collector_attempt_to_delete"},
    {"bootstrap-signer-controller", "bootstrap-signer", "bootstrap_signer_queue"},
    {"token-cleaner-controller", "token-cleaner", "token_cleaner"},
    {"legacy-serviceaccount-token-cleaner-controller", "legacy-service-account-token-cleaner", ""},
};

const Names* find(std::string_view controller) {
  const auto* found = std::ranges::find(kNames, controller, &Names::controller);
  return found == std::end(kNames) ? nullptr : found;
}

}  // namespace

std::string_view service_account_of(std::string_view controller) {
  const Names* names = find(controller);
  if (names && names->account == kManager) return "";
  return names && !names->account.empty() ? names->account : controller;
}

std::string queue_name_of(std::string_view controller) {
  const Names* names = find(controller);
  if (names && !names->queue.empty()) return std::string(names->queue);
  constexpr std::string_view kEnd = "-controller";
  if (controller.ends_with(kEnd)) controller.remove_suffix(kEnd.size());
  std::string name(controller);
  std::ranges::replace(name, '-', '_');
  return name;
}

}  // namespace tiphys::controllers
