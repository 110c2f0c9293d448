// Server: HTTP/1.1 and HTTP/2 over TLS (ALPN) or plain TCP, one loop.
//
// Hostile input: header bytes, header counts, streams, idle time, body size and floods (rapid
// reset, PING, SETTINGS, CONTINUATION, empty frames) are bounded by Limits; going over answers 4xx
// or closes that connection. Never affects other clients.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "async/epoll_loop.h"
#include "net/http.h"
#include "net/socket.h"

namespace tiphys::crypto {
class ServerTls;  // crypto/tls.h: certificates (reloadable) and the client CA
}

namespace tiphys::net {

struct ServerLimits {
  size_t max_header_bytes = 1 << 20;        // Go's DefaultMaxHeaderBytes
  size_t max_body_bytes = 3 * 1024 * 1024;  // over: 413
  bool too_large_to_handler = false;        // no 413: the handler is told (Request::body_too_large)
  // Requests whose bodies, of any length, come as Request::body_stream. Null: none.
  std::function<bool(std::string_view path, const Headers& headers)> streams_body;
  uint32_t max_concurrent_streams =
      250;  // upstream's --http2-max-streams-per-connection default region
  Duration idle_timeout = std::chrono::seconds(90);
  Duration header_timeout = std::chrono::seconds(32);  // handshake and head of a request
  Duration body_timeout = std::chrono::seconds(60);    // a request's whole body
  uint32_t max_connections = 10'000;
};

class Server {
 public:
  // tls null: plain HTTP (h1, and h2 with prior knowledge). The handler must outlive the server.
  Server(EpollLoop& loop, std::shared_ptr<crypto::ServerTls> tls, Handler handler,
         ServerLimits limits = {});
  ~Server();  // Requires: stop() finished, or never listened
  // Errors: "listen tcp 127.0.0.1:6443: bind: address already in use". Port 0: any (see port()).
  Result<void> listen(std::string address, uint16_t port, Presence presence = Presence::kPresent);
  // Listens on a unix socket path instead (mode 0600; a stale socket file is replaced).
  Result<void> listen_unix(std::string path);
  uint16_t port() const;
  // Refuses new connections, lets running requests end up to `grace`, then closes.
  Task<void> stop(Duration grace);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tiphys::net
