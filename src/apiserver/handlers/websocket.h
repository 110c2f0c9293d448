// A body as the messages of a WebSocket (RFC 6455), which is how browsers take streams. Loop
// thread. Upstream: apimachinery/pkg/util/httpstream/wsstream (Reader).
#pragma once
#include <memory>

#include "async/loop.h"
#include "base/result.h"
#include "net/http.h"

namespace tiphys::apiserver {

bool is_websocket_request(const net::Headers& headers);

// 101 and then the body's chunks as messages: binary, or text in base64 for the subprotocol
// base64.binary.k8s.io. What the client sends is dropped; it ends the stream by closing.
// Error: BadRequest of a handshake without a key, or of another version or subprotocol.
Result<net::Response> websocket_response(Loop& loop, const net::Headers& headers,
                                         net::Response response, StopToken stop);

// One frame of a server.
std::string websocket_frame(uint8_t opcode, std::string_view payload);

}  // namespace tiphys::apiserver
