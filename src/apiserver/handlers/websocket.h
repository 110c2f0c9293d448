// A body as the messages of a WebSocket, which is how browsers take streams. Loop thread.
// Upstream: apimachinery/pkg/util/httpstream/wsstream (Reader).
#pragma once
#include <memory>

#include "async/loop.h"
#include "base/result.h"
#include "net/http.h"

namespace tiphys::apiserver {

// 101 and then the body's chunks as messages: binary, or text in base64 for the subprotocol
// base64.binary.k8s.io. What the client sends is dropped; it ends the stream by closing.
// Error: BadRequest of a handshake without a key, or of another version or subprotocol.
Result<net::Response> websocket_response(Loop& loop, const net::Headers& headers,
                                         net::Response response, StopToken stop);

}  // namespace tiphys::apiserver
