// Headers on their way through a proxy. Pure.
// Upstream: net/http/httputil.ReverseProxy, apimachinery/pkg/util/proxy.
#pragma once
#include <string>
#include <string_view>

#include "net/upgrade.h"

namespace tiphys::apiserver {

using net::is_upgrade_request;
// What of a client's headers a backend may see: neither headers of the connection (hop by hop) nor
// what proves or tells who the client is to the API server: Authorization, Impersonate-*,
// X-Remote-*. Cookies are the backend's own and pass. An upgrade keeps Connection and Upgrade. Adds
// the client to X-Forwarded-For.
net::Headers forwarded_request_headers(const net::Headers& headers, std::string_view remote_address,
                                       bool upgrade);
// What of a backend's headers the client gets.
net::Headers forwarded_response_headers(const net::Headers& headers);

}  // namespace tiphys::apiserver
