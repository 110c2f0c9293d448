// Client: HTTP/2 (ALPN, or prior knowledge on plain and unix sockets) and HTTP/1.1, one pooled
// target. Connections are opened on demand, kept while used and reopened when they break.
#pragma once
#include <memory>
#include <string>

#include "async/epoll_loop.h"
#include "net/http.h"

namespace tiphys::crypto {
class ClientTls;  // crypto/tls.h
}

namespace tiphys::net {

struct ClientOptions {
  std::string address;      // "127.0.0.1:6443", "[::1]:6443", "name:port" or "unix:/run/x.sock"
  std::string server_name;  // for SNI and verification; empty: the host of `address`
  std::shared_ptr<crypto::ClientTls> tls;  // null: plain
  bool http2 = true;                       // false: HTTP/1.1 only (needed for upgrades)
  Duration connect_timeout = std::chrono::seconds(30);
};

class Client {
 public:
  Client(EpollLoop& loop, ClientOptions options);
  ~Client();
  // Sends and returns as soon as the head is there. A body stream is sent over HTTP/1.1, as it
  // comes: with the content-length of the headers, else in chunks. `stream_body`: the body comes as
  // Response::stream, else whole (bounded by max_body_bytes, 64 MiB). No redirects are followed.
  // Errors: ServiceUnavailable "dial tcp 127.0.0.1:6443: connect: connection refused" and alike.
  Task<Result<Response>> send(Request request, bool stream_body, StopToken stop);
  // HTTP/1.1 upgrade: sends on a connection of its own; on 101 gives the connection.
  struct Upgraded {
    Response response;                   // status 101, or what the server answered instead
    std::unique_ptr<ByteStream> stream;  // null unless 101
  };
  Task<Result<Upgraded>> upgrade(Request request, StopToken stop);
  // Ends every connection; calls in progress fail. The next ones dial anew.
  void close_connections();
  Task<void> stop();

  struct Impl;

 private:
  std::shared_ptr<Impl> impl_;  // shared with calls in progress
};

}  // namespace tiphys::net
