// A server's WebSocket over the connection that an upgrade left, and bytes in its messages. Loop
// thread only.
#pragma once
#include <memory>

#include "net/websocket.h"

namespace tiphys::net {

// How long a client that reads nothing may hold back the last words to it.
inline constexpr Duration kWebSocketCloseTimeout = std::chrono::seconds(10);

class WebSocket {
 public:
  enum class Close : uint16_t { kNormal = 1000, kProtocolError = 1002, kUnsupported = 1003 };

  WebSocket(Loop& loop, std::unique_ptr<ByteStream> stream)
      : loop_(loop), stream_(std::move(stream)) {}
  // The next piece of a message; pings are answered. nullopt: the client closed, or is gone. Error:
  // BadRequest, it sends what no WebSocket client may. One receive() at a time.
  Task<Result<std::optional<WebSocketPiece>>> receive(StopToken stop);
  // Returns once the message is in the socket's buffer. May run beside receive() and other sends.
  Task<Result<void>> send(WebSocketOpcode opcode, std::string payload, StopToken stop);
  // Says goodbye and closes the connection, within kWebSocketCloseTimeout.
  Task<void> end(Close code);
  void close() { stream_->close(); }
  void on_hang_up(std::function<void()> callback) { stream_->on_hang_up(std::move(callback)); }

 private:
  Loop& loop_;
  std::unique_ptr<ByteStream> stream_;
  WebSocketReader reader_;
};

// Bytes as binary messages, a message a write: upstream's TunnelingConnection. A text message
// breaks the stream.
class WebSocketBytes : public ByteStream {
 public:
  WebSocketBytes(Loop& loop, std::unique_ptr<ByteStream> stream)
      : socket_(loop, std::move(stream)) {}
  Task<Result<std::string>> read(size_t max_bytes, StopToken stop) override;
  Task<Result<void>> write(std::string bytes, StopToken stop) override;
  void close() override { socket_.close(); }
  void on_hang_up(std::function<void()> callback) override {
    socket_.on_hang_up(std::move(callback));
  }
  Task<void> end() override { co_await socket_.end(WebSocket::Close::kNormal); }

 private:
  WebSocket socket_;
  std::string rest_;  // of the last piece
};

}  // namespace tiphys::net
