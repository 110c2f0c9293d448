// exec and attach of a WebSocket client (v5.channel.k8s.io), translated to SPDY/3.1 for the
// kubelet (KEP-4006). Loop thread. Upstream: apiserver/pkg/util/proxy/streamtranslator.go.
#pragma once
#include "apiserver/handlers/handler_env.h"

namespace tiphys::apiserver {

// A connection on which nothing is said for this long is closed.
inline constexpr Duration kStreamIdleTimeout = std::chrono::hours(4);
// What the runtime may say about how a command ended.
inline constexpr size_t kMaxErrorStreamBytes = 64 * 1024;

struct StreamOptions {
  bool stdin_stream = false;
  bool stdout_stream = false;
  bool stderr_stream = false;
  bool tty = false;
};

// True for a WebSocket that offers the protocol.
bool is_translatable(const net::Headers& headers);

// 101, and from then on what happens is told on the error channel: also that the kubelet can't be
// reached or refuses. Nothing is buffered but a chunk each way: a client that doesn't read holds
// the command back. Error: BadRequest of a bad handshake.
Result<Answer> translate_streams(HandlerEnv& env, RequestContext& context, ProxyTarget target,
                                 std::string path, std::string query, StreamOptions options);

}  // namespace tiphys::apiserver
