// What a kube-proxy, alone or in a whole node, asks of its machine. Its nftables table is named
// after the pod bridge, so that several clusters live on one machine.
#pragma once
#include <string_view>

#include "proxy/config/configuration.h"
#include "proxy/model.h"

namespace tiphys {

proxy::Settings proxy_settings(std::string_view bridge_name);

// Connection tracking of this machine as a kube-proxy's configuration wants it, or as it is unless
// told otherwise; what isn't allowed is told and left. Blocks for a moment.
void apply_conntrack(const proxy::Configuration& config);

}  // namespace tiphys
