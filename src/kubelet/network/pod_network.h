// The node's pod network: CNI configuration (bridge, host-local, portmap), forwarding, and
// masquerade of what leaves the cluster. Texts are pure; apply and remove block (pool).
//
// Owned by name, so that several clusters live on one machine: the bridge, the nftables table
// "tiphys_masq_<bridge>", <data>/cni.
#pragma once
#include <string>

#include "kubelet/options.h"

namespace tiphys::kubelet {

struct PodNetwork {
  std::string bridge;
  std::string pod_cidr;
  std::string cluster_cidr;
  std::string cni_folder;  // <data>/cni: net.d/, ipam/
  int mtu = 0;             // of pods; 0: as the machine has it
};

std::string cni_configuration(const PodNetwork& network);
std::string masquerade_rules(const PodNetwork& network);  // for nft -f -
std::string masquerade_table(const std::string& bridge);

// Writes the configuration (containerd reads it at once), turns forwarding on, loads the rules.
Result<void> apply_pod_network(const PodNetwork& network);
// Removes bridge, table and veths of the bridge.
Result<void> remove_pod_network(const std::string& bridge);

}  // namespace tiphys::kubelet
