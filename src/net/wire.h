// Wire: a non-blocking byte connection over a socket, plain or TLS. Loop thread only.
//
// With edge-triggered events: call read() until it says kAgain, write() until it says kAgain.
// TLS writes may raise SIGPIPE: the first TLS wire sets SIGPIPE to be ignored if nobody handles it.
#pragma once
#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>

#include "net/http.h"
#include "os/files.h"

struct ssl_st;
struct ssl_ctx_st;

namespace tiphys::net {

class Wire {
 public:
  static constexpr ssize_t kEnd = 0;
  static constexpr ssize_t kAgain = -1;
  static constexpr ssize_t kBroken = -2;

  Wire() = default;
  explicit Wire(os::Fd fd) : fd_(std::move(fd)) {}
  // Both return false if OpenSSL refuses (out of memory).
  bool start_tls_server(ssl_ctx_st* context);
  bool start_tls_client(ssl_ctx_st* context);
  bool offer_http1_only();  // before a client's handshake
  // kAgain: call again after the next event; kEnd: done; kBroken: failed (see error()).
  ssize_t handshake();
  // More than 0: bytes moved.
  ssize_t read(char* to, size_t size);
  ssize_t write(const char* from, size_t size);
  // Says that no more will be written; reads go on.
  void shut_write();
  void close();

  int fd() const { return fd_.get(); }
  bool is_tls() const { return ssl_ != nullptr; }
  ssl_st* ssl() const { return ssl_.get(); }
  std::string alpn() const;  // "h2", "http/1.1" or ""
  std::shared_ptr<const crypto::Certificate> peer_certificate() const;
  const std::string& error() const { return error_; }

 private:
  struct FreeSsl {
    void operator()(ssl_st* ssl) const;
  };
  ssize_t tls_result(int result);
  os::Fd fd_;
  std::unique_ptr<ssl_st, FreeSsl> ssl_;
  std::string error_;
};

}  // namespace tiphys::net
