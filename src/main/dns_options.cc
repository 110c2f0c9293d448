#include "main/dns_options.h"

#include "base/strings.h"
#include "os/interfaces.h"

namespace tiphys {

dns::ClusterDns::Options dns_options(const kubelet::Options& node) {
  dns::ClusterDns::Options options;
  options.node_name = node.node_name.empty() ? os::host_name() : node.node_name;
  options.domain = node.cluster_domain;
  for (std::string_view range : split(node.cluster_cidr, ',')) {
    options.cluster_cidrs.emplace_back(range);
  }
  options.own_addresses = node.cluster_dns;
  options.resolv_conf = node.resolv_conf;
  return options;
}

}  // namespace tiphys
