// The proxy's settings of a whole node: its nftables table is named after the pod bridge, so that
// several clusters live on one machine.
#pragma once
#include <string_view>

#include "proxy/model.h"

namespace tiphys {

proxy::Settings proxy_settings(std::string_view bridge_name);

}  // namespace tiphys
