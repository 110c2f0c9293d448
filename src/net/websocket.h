// WebSocket (RFC 6455) on the server's side: the handshake, a strict reader of clients' frames and
// a writer of ours. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/http.h"

namespace tiphys::net {

// Of one frame; golang.org/x/net/websocket's DefaultMaxPayloadBytes, which upstream's servers have.
inline constexpr uint64_t kMaxWebSocketFrameBytes = 32 * 1024 * 1024;
inline constexpr size_t kMaxWebSocketControlBytes = 125;

enum class WebSocketOpcode : uint8_t {
  kContinuation = 0,
  kText = 1,
  kBinary = 2,
  kClose = 8,
  kPing = 9,
  kPong = 10,
};

bool is_websocket_request(const Headers& headers);
// The subprotocols that the client offers, in its order.
std::vector<std::string_view> websocket_protocols(const Headers& headers);
// The 101 that answers a handshake; `protocol` may be empty: none. Error: BadRequest of a handshake
// without a key or of another version.
Result<Response> websocket_handshake(const Headers& headers, std::string_view protocol);

// A part of a message, or a whole control frame.
struct WebSocketPiece {
  WebSocketOpcode opcode = WebSocketOpcode::kBinary;  // of the message: never kContinuation
  bool first = true;                                  // the message starts here
  bool last = true;                                   // and ends here
  std::string bytes;                                  // unmasked
};

// Takes pieces out of a client's bytes. Messages are handed on as they come, whatever their length:
// it holds no more than what was added since the last piece.
class WebSocketReader {
 public:
  void add(std::string_view bytes) { buffer_ += bytes; }
  // nullopt: more bytes are needed. Error (for good): BadRequest, saying what is wrong: frames
  // without a mask, reserved bits or opcodes, control frames that are long or in parts, frames over
  // the limit, continuations of nothing, a message within a message.
  Result<std::optional<WebSocketPiece>> next();

 private:
  struct Frame {
    WebSocketOpcode opcode = WebSocketOpcode::kBinary;
    bool final = true;
    uint64_t left = 0;
    char mask[4] = {};
    size_t mask_at = 0;
  };
  Result<bool> take_head();
  Result<void> check(uint8_t first_byte, uint64_t length) const;
  WebSocketPiece take_payload();

  std::string buffer_;
  std::optional<Frame> frame_;  // whose payload comes
  WebSocketOpcode message_ = WebSocketOpcode::kBinary;
  bool in_message_ = false;     // frames of it are to come
  bool message_began_ = false;  // a piece of it was given
};

// One frame of a server.
std::string websocket_frame(WebSocketOpcode opcode, std::string_view payload);

}  // namespace tiphys::net
