// ClusterConfig: what the nodes of a cluster must agree on, in the documents that kubeadm publishes
// it with: a ClusterConfiguration (kubeadm.k8s.io/v1beta4) in the ConfigMap
// kube-system/kubeadm-config, a KubeletConfiguration in kube-system/kubelet-config.
// https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/
//
// Plain values and pure functions. What is read is hostile: errors are BadRequest and name the
// field; fields that are none of these are nobody's concern here.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tiphys {

// Each may be "" or empty: not told.
struct ClusterConfig {
  std::string pod_subnet;                // networking.podSubnet: one, or one of each IP family
  std::string service_subnet;            // networking.serviceSubnet, likewise
  std::string cluster_domain;            // clusterDomain, else networking.dnsDomain
  std::vector<std::string> cluster_dns;  // clusterDNS
  bool operator==(const ClusterConfig&) const = default;

  // Takes what is not told here from another.
  void complete_with(const ClusterConfig& other);
};

inline constexpr size_t kMaxClusterDns = 16;

std::string cluster_configuration_yaml(const ClusterConfig& config);
std::string kubelet_configuration_yaml(const ClusterConfig& config);
// Adds what the document tells to what is known. After an error the config is as before.
Result<void> read_cluster_configuration(std::string_view yaml, ClusterConfig& config);
Result<void> read_kubelet_configuration(std::string_view yaml, ClusterConfig& config);

// A ConfigMap of the two.
struct ClusterDocument {
  std::string_view config_map;  // in kube-system
  std::string_view key;
  std::string (*write)(const ClusterConfig&);
  Result<void> (*read)(std::string_view, ClusterConfig&);
};
inline constexpr ClusterDocument kClusterDocuments[] = {
    {"kubelet-config", "kubelet", kubelet_configuration_yaml, read_kubelet_configuration},
    {"kubeadm-config", "ClusterConfiguration", cluster_configuration_yaml,
     read_cluster_configuration},
};

}  // namespace tiphys
