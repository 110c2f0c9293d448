#include "controllers/upstream_names.h"

#include <algorithm>

namespace tiphys::controllers {

namespace {

struct Name {
  std::string_view name;
  std::string_view alias = {};
  bool off_by_default = false;
};

constexpr Name kNames[] = {
    {"bootstrap-signer-controller", "bootstrapsigner", true},
    {"certificatesigningrequest-approving-controller", "csrapproving"},
    {"certificatesigningrequest-cleaner-controller", "csrcleaner"},
    {"certificatesigningrequest-signing-controller", "csrsigning"},
    {"cloud-node-lifecycle-controller", "cloud-node-lifecycle"},
    {"clusterrole-aggregation-controller", "clusterrole-aggregation"},
    {"cronjob-controller", "cronjob"},
    {"daemonset-controller", "daemonset"},
    {"deployment-controller", "deployment"},
    {"device-taint-eviction-controller"},
    {"disruption-controller", "disruption"},
    {"endpoints-controller", "endpoint"},
    {"endpointslice-controller", "endpointslice"},
    {"endpointslice-mirroring-controller", "endpointslicemirroring"},
    {"ephemeral-volume-controller", "ephemeral-volume"},
    {"garbage-collector-controller", "garbagecollector"},
    {"horizontal-pod-autoscaler-controller", "horizontalpodautoscaling"},
    {"job-controller", "job"},
    {"kube-apiserver-serving-clustertrustbundle-publisher-controller"},
    {"legacy-serviceaccount-token-cleaner-controller", "legacy-service-account-token-cleaner"},
    {"namespace-controller", "namespace"},
    {"node-ipam-controller", "nodeipam"},
    {"node-lifecycle-controller", "nodelifecycle"},
    {"node-route-controller", "route"},
    {"persistentvolume-attach-detach-controller", "attachdetach"},
    {"persistentvolume-binder-controller", "persistentvolume-binder"},
    {"persistentvolume-expander-controller", "persistentvolume-expander"},
    {"persistentvolume-protection-controller", "pv-protection"},
    {"persistentvolumeclaim-protection-controller", "pvc-protection"},
    {"pod-garbage-collector-controller", "podgc"},
    {"podcertificaterequest-cleaner-controller"},
    {"replicaset-controller", "replicaset"},
    {"replicationcontroller-controller", "replicationcontroller"},
    {"resourceclaim-controller", "resource-claim-controller"},
    {"resourcequota-controller", "resourcequota"},
    {"root-ca-certificate-publisher-controller", "root-ca-cert-publisher"},
    {"selinux-warning-controller", "", true},
    {"service-cidr-controller"},
    {"service-lb-controller", "service"},
    {"serviceaccount-controller", "serviceaccount"},
    {"serviceaccount-token-controller", "serviceaccount-token"},
    {"statefulset-controller", "statefulset"},
    {"storage-version-migrator-controller"},
    {"storageversion-garbage-collector-controller", "storage-version-gc"},
    {"taint-eviction-controller"},
    {"token-cleaner-controller", "tokencleaner", true},
    {"ttl-after-finished-controller", "ttl-after-finished"},
    {"ttl-controller", "ttl"},
    {"validatingadmissionpolicy-status-controller"},
    {"volumeattributesclass-protection-controller"},
};

const Name* find(std::string_view name) {
  const auto* found = std::ranges::find(kNames, name, &Name::name);
  return found == std::end(kNames) ? nullptr : found;
}

}  // namespace

std::string_view canonical_name(std::string_view name) {
  const auto* found = std::ranges::find(kNames, name, &Name::alias);
  return name.empty() || found == std::end(kNames) ? name : found->name;
}

bool is_upstream_name(std::string_view name) { return find(name) != nullptr; }

bool is_off_by_default(std::string_view name) {
  const Name* found = find(name);
  return found && found->off_by_default;
}

}  // namespace tiphys::controllers
