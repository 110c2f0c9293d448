#include "net/websocket.h"

#include "base/strings.h"
#include "crypto/sha1.h"
#include "net/upgrade.h"

namespace tiphys::net {
namespace {

constexpr std::string_view kHandshakeGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr size_t kKeyBytes = 16;
constexpr uint8_t kFinal = 0x80;
constexpr uint8_t kReserved = 0x70;
constexpr uint8_t kOpcode = 0x0f;
constexpr uint8_t kControl = 0x08;
constexpr uint8_t kMasked = 0x80;
constexpr uint8_t kTwoByteLength = 126;
constexpr uint8_t kEightByteLength = 127;

ApiStatus broken(std::string_view why) {
  return ApiStatus::bad_request("websocket: " + std::string(why));
}

bool is_known(uint8_t opcode) {
  return opcode <= uint8_t(WebSocketOpcode::kBinary) ||
         (opcode >= uint8_t(WebSocketOpcode::kClose) && opcode <= uint8_t(WebSocketOpcode::kPong));
}

uint8_t byte_at(std::string_view bytes, size_t i) { return static_cast<uint8_t>(bytes[i]); }

}  // namespace

bool is_websocket_request(const Headers& headers) {
  return is_upgrade_request(headers) && equals_ignore_case(headers.get("upgrade"), "websocket");
}

std::vector<std::string_view> websocket_protocols(const Headers& headers) {
  std::vector<std::string_view> out;
  for (const auto& entry : headers.entries()) {
    if (entry.name != "sec-websocket-protocol") continue;
    for (std::string_view item : split(entry.value, ',')) {
      if (!trim(item).empty()) out.push_back(trim(item));
    }
  }
  return out;
}

Result<Response> websocket_handshake(const Headers& headers, std::string_view protocol) {
  std::string_view key = headers.get("sec-websocket-key");
  auto nonce = base64_decode(key);
  if (headers.get("sec-websocket-version") != "13" || !nonce || nonce->size() != kKeyBytes) {
    return broken("bad handshake");
  }
  Response out;
  out.status = 101;
  out.headers.set("connection", "Upgrade");
  out.headers.set("upgrade", "websocket");
  out.headers.set("sec-websocket-accept",
                  base64_encode(crypto::sha1(std::string(key) + std::string(kHandshakeGuid))));
  if (!protocol.empty()) out.headers.set("sec-websocket-protocol", protocol);
  return out;
}

Result<std::optional<WebSocketPiece>> WebSocketReader::next() {
  if (!frame_) {
    TIPHYS_TRY(bool, taken, take_head());
    if (!taken) return std::nullopt;
  }
  bool control = uint8_t(frame_->opcode) & kControl;
  size_t wanted = control ? static_cast<size_t>(frame_->left) : std::min<uint64_t>(frame_->left, 1);
  if (buffer_.size() < wanted) return std::nullopt;
  return take_payload();
}

Result<void> WebSocketReader::check(uint8_t first_byte, uint64_t length) const {
  uint8_t opcode = first_byte & kOpcode;
  if (first_byte & kReserved) return broken("reserved bits are set");
  if (!is_known(opcode)) return broken("unknown opcode " + std::to_string(opcode));
  if (opcode & kControl) {
    bool whole = first_byte & kFinal;
    if (!whole || length > kMaxWebSocketControlBytes) return broken("control frame is too long");
    return {};
  }
  if (length > kMaxWebSocketFrameBytes) return broken("frame payload size exceeds limit");
  bool continues = opcode == uint8_t(WebSocketOpcode::kContinuation);
  if (continues && !in_message_) return broken("continuation of no message");
  if (!continues && in_message_) return broken("message within a message");
  return {};
}

// False: the head isn't whole.
Result<bool> WebSocketReader::take_head() {
  if (buffer_.size() < 2) return false;
  uint8_t first = byte_at(buffer_, 0);
  uint8_t second = byte_at(buffer_, 1);
  uint64_t length = second & ~kMasked;
  size_t length_bytes = length == kTwoByteLength ? 2 : length == kEightByteLength ? 8 : 0;
  // Refused before the rest of a head that may never come.
  if (!(second & kMasked)) return broken("frame without a mask");
  if (length_bytes == 0) {
    if (auto fine = check(first, length); !fine) return fine.error();
  }
  size_t size = 2 + length_bytes + sizeof(Frame::mask);
  if (buffer_.size() < size) return false;
  if (length_bytes > 0) length = 0;
  for (size_t i = 0; i < length_bytes; ++i) length = length << 8 | byte_at(buffer_, 2 + i);
  if (auto fine = check(first, length); !fine) return fine.error();
  Frame frame;
  frame.opcode = WebSocketOpcode(first & kOpcode);
  frame.final = first & kFinal;
  frame.left = length;
  buffer_.copy(frame.mask, sizeof frame.mask, 2 + length_bytes);
  buffer_.erase(0, size);
  bool control = uint8_t(frame.opcode) & kControl;
  if (!control && !in_message_) {
    in_message_ = true;
    message_ = frame.opcode;
    message_began_ = false;
  }
  frame_ = frame;
  return true;
}

WebSocketPiece WebSocketReader::take_payload() {
  Frame& frame = *frame_;
  bool control = uint8_t(frame.opcode) & kControl;
  WebSocketPiece piece;
  size_t size = std::min<uint64_t>(frame.left, buffer_.size());
  piece.bytes = buffer_.substr(0, size);
  buffer_.erase(0, size);
  for (char& c : piece.bytes) c ^= frame.mask[frame.mask_at++ % sizeof frame.mask];
  frame.left -= size;
  piece.opcode = control ? frame.opcode : message_;
  if (!control) {
    piece.first = !std::exchange(message_began_, true);
    piece.last = frame.left == 0 && frame.final;
    if (piece.last) in_message_ = false;
  }
  if (frame.left == 0) frame_.reset();
  return piece;
}

std::string websocket_frame(WebSocketOpcode opcode, std::string_view payload) {
  constexpr size_t kShort = 125;
  constexpr size_t kMedium = 65535;
  std::string frame(1, static_cast<char>(kFinal | uint8_t(opcode)));
  size_t size = payload.size();
  int length_bytes = size <= kShort ? 0 : size <= kMedium ? 2 : 8;
  frame += static_cast<char>(length_bytes == 0   ? size
                             : length_bytes == 2 ? kTwoByteLength
                                                 : kEightByteLength);
  for (int i = length_bytes - 1; i >= 0; --i) frame += static_cast<char>(size >> (8 * i));
  frame += payload;
  return frame;
}

}  // namespace tiphys::net
