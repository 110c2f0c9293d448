#include "apiserver/handlers/websocket.h"

#include "async/gate.h"
#include "async/stop.h"
#include "base/strings.h"
#include "net/websocket_stream.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kBinary = "binary.k8s.io";
constexpr std::string_view kBase64 = "base64.binary.k8s.io";

// The client's first subprotocol that we know; nullopt: it wants others. "": it asked for none.
std::optional<std::string_view> chosen_protocol(const net::Headers& headers) {
  std::vector<std::string_view> offered = net::websocket_protocols(headers);
  if (offered.empty()) return "";
  for (std::string_view item : offered) {
    if (item == kBinary || item == kBase64) return item;
  }
  return std::nullopt;
}

struct Session {
  std::unique_ptr<net::WebSocket> client;
  std::unique_ptr<net::BodyStream> body;
  net::Bytes whole;  // instead of a stream
  bool base64 = false;
  StopSource over;
};

Task<void> drop_input(Session& session) {
  while (true) {
    Result<std::optional<net::WebSocketPiece>> piece =
        co_await session.client->receive(session.over.token());
    if (!piece || !*piece) break;
  }
  session.over.request_stop();
}

Task<bool> send_message(Session& session, std::string_view payload) {
  Result<void> written = co_await session.client->send(
      session.base64 ? net::WebSocketOpcode::kText : net::WebSocketOpcode::kBinary,
      session.base64 ? base64_encode(payload) : std::string(payload), session.over.token());
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
  session->over.request_stop();
  co_await session->client->end(net::WebSocket::Close::kNormal);
  co_await gate.close();
}

}  // namespace

Result<net::Response> websocket_response(Loop& loop, const net::Headers& headers,
                                         net::Response response, StopToken stop) {
  std::optional<std::string_view> protocol = chosen_protocol(headers);
  if (!protocol) return ApiStatus::bad_request("websocket: bad handshake");
  TIPHYS_TRY(net::Response, out, net::websocket_handshake(headers, *protocol));
  auto session = std::make_shared<Session>(Session{.body = std::move(response.stream),
                                                   .whole = std::move(response.body),
                                                   .base64 = *protocol == kBase64,
                                                   .over = StopSource(stop)});
  out.upgrade = [&loop, session](std::unique_ptr<net::ByteStream> client) {
    session->client = std::make_unique<net::WebSocket>(loop, std::move(client));
    return run_session(loop, session);
  };
  return std::move(out);
}

}  // namespace tiphys::apiserver
