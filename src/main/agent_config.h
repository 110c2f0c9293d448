// AgentConfig: an agent takes from its cluster what all nodes must agree on (cluster_config.h), as
// kubeadm join does: ranges of pods, cluster DNS and its domain. What was given by hand, by flag or
// file, wins; where it differs from the cluster's, that is logged.
//
// What was read is kept in <data-dir>/agent (kubelet-config.yaml, kubeadm-config.yaml) and counts
// as long as the server doesn't answer, says nothing or says what is wrong. Values of a running
// agent never change; what changed in the cluster is logged and taken by the next start.
#pragma once
#include <string>
#include <vector>

#include "client/client.h"
#include "kubelet/config/configuration.h"
#include "kubelet/options.h"
#include "main/cluster_config.h"
#include "main/host.h"

namespace tiphys {

// Puts into the node's configuration what of it was not given by hand. Returns what was given and
// differs, a line each. Pure.
std::vector<std::string> apply_cluster_config(const ClusterConfig& cluster, bool cluster_cidr_given,
                                              kubelet::Configuration& configuration,
                                              kubelet::Options& options);

// Reads it from the server, or from the folder; a node that has nothing yet asks until `patience`
// is over, one that can do without (`optional`) once. ConfigMaps that are not there, or that this
// node may not read, tell nothing: that is logged. Error: nothing was got, or what was got is
// wrong, and the node can't do without. Loop thread; files are on the pool.
Task<Result<ClusterConfig>> read_cluster_config(Host& host, client::Client& client,
                                                std::string data_dir, Duration patience,
                                                bool optional);

}  // namespace tiphys
