// Where a request came from: X-Forwarded-For, then X-Real-Ip, then the connection's own address.
// All but the last are the client's word. Pure. Upstream: apimachinery/pkg/util/net SourceIPs.
#pragma once
#include <string>
#include <vector>

#include "net/http.h"

namespace tiphys::apiserver::audit {

// Addresses that can't be read are left out. remote_address: "10.0.0.1:4242".
std::vector<std::string> source_ips(const net::Headers& headers, std::string_view remote_address);

}  // namespace tiphys::apiserver::audit
