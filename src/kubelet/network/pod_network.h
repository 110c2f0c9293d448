// The node's pod network: CNI configuration (bridge, host-local, portmap), forwarding, and
// masquerade of what leaves the cluster, for each family that pods have. Texts are pure; apply and
// remove block (pool).
//
// Owned by name, so that several clusters live on one machine: the bridge, the nftables tables
// "tiphys_masq_<bridge>" of ip and ip6, <data>/cni.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "kubelet/options.h"

namespace tiphys::kubelet {

struct PodNetwork {
  std::string bridge;
  std::vector<std::string> pod_cidrs;      // one, or one of each family
  std::vector<std::string> cluster_cidrs;  // likewise
  std::string cni_folder;                  // <data>/cni: net.d/, ipam/
  int mtu = 0;                             // of pods; 0: as the machine has it
};

// Of "10.42.0.0/24,fd00:42::/64".
std::vector<std::string> ranges_of(std::string_view list);

std::string cni_configuration(const PodNetwork& network);
std::string masquerade_rules(const PodNetwork& network);                // for nft -f -
std::vector<std::string> masquerade_tables(const PodNetwork& network);  // "ip tiphys_masq_<bridge>"

// Writes the configuration (containerd reads it at once), turns forwarding on, loads the rules. A
// bridge of another range is removed first; error: pods are still on it, the node must be drained.
Result<void> apply_pod_network(const PodNetwork& network);
// Removes bridge, tables and veths of the bridge.
Result<void> remove_pod_network(const std::string& bridge);

}  // namespace tiphys::kubelet
