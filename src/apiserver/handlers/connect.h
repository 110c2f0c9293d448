// Passes a request on to another server and its answer back to the client. Loop thread.
// Upstream: apimachinery/pkg/util/proxy.UpgradeAwareHandler.
#pragma once
#include "apiserver/handlers/handler_env.h"
#include "apiserver/handlers/proxy_rewrite.h"

namespace tiphys::apiserver {

inline constexpr size_t kMaxRewrittenHtml = 4 * 1024 * 1024;  // larger pages pass unchanged

// Sends the client's own request (method, headers, body) to `path` of the target. An answer of 101
// becomes a tunnel; to an upgrade anything below 400 but that is an error: a redirect would take
// the API server's identity elsewhere (CVE-2020-8559). `place`: rewrite links, null: don't.
// Errors: 503 "error trying to reach service: ...", of an upgrade 500 "error dialing backend: ...".
Task<Result<Answer>> pass_on(HandlerEnv& env, RequestContext& context, ProxyTarget target,
                             std::string path, std::string query, const ProxyPlace* place);

// Requests whose bodies are passed on as they come, whatever their length: those of proxies, but
// for upgrades.
bool streams_body(std::string_view path, const net::Headers& headers);

// Sends a request of the API server's own. Errors are the connection's: "dial tcp 10.0.0.5:80:
// connect: connection refused".
Task<Result<ProxyAnswer>> reach(HandlerEnv& env, ProxyRequest request, StopToken stop);

}  // namespace tiphys::apiserver
