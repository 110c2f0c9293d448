// The name server's options of a whole node, from what its kubelet was told.
#pragma once
#include "dns/cluster_dns.h"
#include "kubelet/options.h"

namespace tiphys {

dns::ClusterDns::Options dns_options(const kubelet::Options& node);

}  // namespace tiphys
