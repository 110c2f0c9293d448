#include "net/websocket_stream.h"

#include "async/deadline.h"

namespace tiphys::net {
namespace {

constexpr size_t kReadBytes = 32 * 1024;

}  // namespace

Task<Result<std::optional<WebSocketPiece>>> WebSocket::receive(StopToken stop) {
  while (true) {
    Result<std::optional<WebSocketPiece>> piece = reader_.next();
    if (!piece) co_return piece.error();
    if (!*piece) {
      Result<std::string> bytes = co_await stream_->read(kReadBytes, stop);
      if (!bytes && bytes.error().is_stopped()) co_return bytes.error();
      if (!bytes || bytes->empty()) co_return std::nullopt;
      reader_.add(*bytes);
      continue;
    }
    switch ((*piece)->opcode) {
      case WebSocketOpcode::kClose:
        co_return std::nullopt;
      case WebSocketOpcode::kPing: {
        Result<void> sent = co_await send(WebSocketOpcode::kPong, std::move((*piece)->bytes), stop);
        if (!sent) co_return std::nullopt;
        break;
      }
      case WebSocketOpcode::kPong:
        break;
      default:
        co_return std::move(piece);
    }
  }
}

Task<Result<void>> WebSocket::send(WebSocketOpcode opcode, std::string payload, StopToken stop) {
  co_return co_await stream_->write(websocket_frame(opcode, payload), std::move(stop));
}

Task<void> WebSocket::end(Close code) {
  Deadline limit(loop_, kWebSocketCloseTimeout, {});
  auto number = static_cast<uint16_t>(code);
  std::string payload = {static_cast<char>(number >> 8), static_cast<char>(number)};
  Result<void> sent = co_await send(WebSocketOpcode::kClose, std::move(payload), limit.token());
  (void)sent;
  stream_->close();
}

Task<Result<std::string>> WebSocketBytes::read(size_t max_bytes, StopToken stop) {
  while (rest_.empty()) {
    Result<std::optional<WebSocketPiece>> piece = co_await socket_.receive(stop);
    if (!piece) co_return piece.error();
    if (!*piece) co_return std::string();
    if ((*piece)->opcode != WebSocketOpcode::kBinary) {
      co_return ApiStatus::bad_request("websocket: message is not binary");
    }
    rest_ = std::move((*piece)->bytes);
  }
  std::string out = rest_.substr(0, max_bytes);
  rest_.erase(0, out.size());
  co_return out;
}

Task<Result<void>> WebSocketBytes::write(std::string bytes, StopToken stop) {
  co_return co_await socket_.send(WebSocketOpcode::kBinary, std::move(bytes), std::move(stop));
}

}  // namespace tiphys::net
