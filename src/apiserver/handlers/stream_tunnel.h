// Port-forward of a WebSocket client: SPDY/3.1 in binary messages, unpacked for the kubelet. Loop
// thread. Upstream: apiserver/pkg/util/proxy/streamtunnel.go.
#pragma once
#include "apiserver/handlers/handler_env.h"

namespace tiphys::apiserver {

// True for a WebSocket that offers a tunnel ("SPDY/3.1+portforward.k8s.io").
bool is_tunnelable(const net::Headers& headers);

// 101 once the kubelet has switched, else its answer. Errors: of pass_on(); BadRequest of a bad
// handshake.
Task<Result<Answer>> tunnel_streams(HandlerEnv& env, RequestContext& context, ProxyTarget target,
                                    std::string path, std::string query);

}  // namespace tiphys::apiserver
