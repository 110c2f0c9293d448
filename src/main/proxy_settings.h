// The service proxy of a whole node (server and agent): its flag, and what the Proxier is told. Its
// nftables table is named after the pod bridge, so that several clusters live on one machine.
#pragma once
#include <string>
#include <string_view>

#include "main/flags.h"
#include "proxy/config/configuration.h"
#include "proxy/proxier.h"

namespace tiphys {

proxy::Settings proxy_settings(std::string_view bridge_name);

// Connection tracking of this machine as a kube-proxy's configuration wants it, or as it is unless
// told otherwise; what isn't allowed is told and left. Blocks for a moment.
void apply_conntrack(const proxy::Configuration& config);
void apply_conntrack_defaults();

struct NodeProxyFlags {
  std::string mode = "nftables";
  void add_to(FlagSet& flags);
  // BadRequest: no such mode, or ipvs.
  Result<proxy::Mode> proxy_mode() const;
  // cluster_cidr: ranges of the cluster's pods, comma-separated. Requires: proxy_mode() is good.
  proxy::Proxier::Options options(std::string node_name, std::string_view bridge_name,
                                  std::string_view cluster_cidr) const;
};

}  // namespace tiphys
