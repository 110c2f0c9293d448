#include "apiserver/handlers/websocket.h"

#include "async/gate.h"
#include "async/stop.h"
#include "base/strings.h"
#include "crypto/sha1.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kHandshakeGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr std::string_view kBinary = "binary.k8s.io";
constexpr std::string_view kBase64 = "base64.binary.k8s.io";
constexpr uint8_t kTextFrame = 1;
constexpr uint8_t kBinaryFrame = 2;
constexpr uint8_t kCloseFrame = 8;
constexpr std::string_view kNormalClosure("\x03\xe8", 2);  // status 1000
constexpr size_t kReadBytes = 4096;

// The client's first subprotocol that we know; nullopt: it wants others. "": it asked for none.
std::optional<std::string> chosen_protocol(std::string_view offered) {
  if (trim(offered).empty()) return "";
  for (std::string_view item : split(offered, ',')) {
    if (trim(item) == kBinary || trim(item) == kBase64) return std::string(trim(item));
  }
  return std::nullopt;
}

struct Session {
  std::unique_ptr<net::ByteStream> client;
  std::unique_ptr<net::BodyStream> body;
  net::Bytes whole;  // instead of a stream
  bool base64 = false;
  StopSource over;
};

Task<void> drop_input(Session& session) {
  while (true) {
    Result<std::string> bytes = co_await session.client->read(kReadBytes, session.over.token());
    if (!bytes || bytes->empty()) break;
    bool closes = (static_cast<uint8_t>(bytes->front()) & 0x0f) == kCloseFrame;
    if (closes) break;
  }
  session.over.request_stop();
}

Task<bool> send_message(Session& session, std::string_view payload) {
  std::string frame = session.base64 ? websocket_frame(kTextFrame, base64_encode(payload))
                                     : websocket_frame(kBinaryFrame, payload);
  Result<void> written = co_await session.client->write(std::move(frame), session.over.token());
  co_return written.has_value();
}

Task<void> send_body(Session& session) {
  // Upstream's readers begin with an empty message, so that clients see the stream is open.
  bool open = co_await send_message(session, "");
  if (open && session.whole && !session.whole->empty()) {
    open = co_await send_message(session, *session.whole);
  }
  while (open && session.body) {
    Result<net::Bytes> chunk = co_await session.body->next(session.over.token());
    if (!chunk || !*chunk) break;
    open = co_await send_message(session, **chunk);
  }
}

Task<void> run_session(Loop& loop, std::shared_ptr<Session> session) {
  Gate gate(loop);
  gate.spawn(drop_input(*session));
  co_await send_body(*session);
  Result<void> closed = co_await session->client->write(
      websocket_frame(kCloseFrame, kNormalClosure), session->over.token());
  (void)closed;
  session->over.request_stop();
  session->client->close();
  co_await gate.close();
}

}  // namespace

bool is_websocket_request(const net::Headers& headers) {
  bool upgrade = to_lower(headers.get("connection")).find("upgrade") != std::string::npos;
  return upgrade && equals_ignore_case(headers.get("upgrade"), "websocket");
}

std::string websocket_frame(uint8_t opcode, std::string_view payload) {
  constexpr size_t kShort = 125;
  constexpr size_t kMedium = 65535;
  std::string frame(1, static_cast<char>(0x80 | opcode));
  size_t size = payload.size();
  int length_bytes = size <= kShort ? 0 : size <= kMedium ? 2 : 8;
  frame += static_cast<char>(length_bytes == 0 ? size : length_bytes == 2 ? 126 : 127);
  for (int i = length_bytes - 1; i >= 0; --i) frame += static_cast<char>(size >> (8 * i));
  frame += payload;
  return frame;
}

Result<net::Response> websocket_response(Loop& loop, const net::Headers& headers,
                                         net::Response response, StopToken stop) {
  std::string_view key = headers.get("sec-websocket-key");
  auto nonce = base64_decode(key);
  std::optional<std::string> protocol = chosen_protocol(headers.get("sec-websocket-protocol"));
  if (headers.get("sec-websocket-version") != "13" || !nonce || nonce->size() != 16 || !protocol) {
    return ApiStatus::bad_request("websocket: bad handshake");
  }
  auto session = std::make_shared<Session>(Session{.body = std::move(response.stream),
                                                   .whole = std::move(response.body),
                                                   .base64 = *protocol == kBase64,
                                                   .over = StopSource(stop)});
  net::Response out;
  out.status = 101;
  out.headers.set("connection", "Upgrade");
  out.headers.set("upgrade", "websocket");
  out.headers.set("sec-websocket-accept",
                  base64_encode(crypto::sha1(std::string(key) + std::string(kHandshakeGuid))));
  if (!protocol->empty()) out.headers.set("sec-websocket-protocol", *protocol);
  out.upgrade = [&loop, session](std::unique_ptr<net::ByteStream> client) {
    session->client = std::move(client);
    return run_session(loop, session);
  };
  return out;
}

}  // namespace tiphys::apiserver
