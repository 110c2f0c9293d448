// ServerTls and ClientTls: TLS settings that sessions are made from; certificates can be replaced
// while in use (new sessions take the new ones). Behind them: OpenSSL 3. Loop thread only.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "crypto/certificate.h"

struct ssl_ctx_st;
struct ssl_st;

namespace tiphys::crypto {

// TLS 1.2 and later, ALPN h2 and http/1.1, SSL_MODE_RELEASE_BUFFERS, session tickets off.
class ServerTls {
 public:
  struct Settings {
    std::string min_version;                 // VersionTLS12 or VersionTLS13; "": VersionTLS12
    std::vector<std::string> cipher_suites;  // IANA names, as Go has them; of TLS 1.2; none: all
  };
  // Whether there are such a version and suites. Errors: BadRequest, in Kubernetes' words.
  static Result<void> check(const Settings& settings);
  // client_ca_pem: certificates that client certificates are verified against ("": not asked for).
  // A client certificate is optional; one that is given must verify, else the handshake fails.
  static Result<std::shared_ptr<ServerTls>> create(std::string certificate_pem, std::string key_pem,
                                                   std::string client_ca_pem, Settings settings);
  static Result<std::shared_ptr<ServerTls>> create(std::string certificate_pem, std::string key_pem,
                                                   std::string client_ca_pem) {
    return create(std::move(certificate_pem), std::move(key_pem), std::move(client_ca_pem), {});
  }
  ~ServerTls();
  // Replaces all three for sessions to come. On error nothing changes.
  Result<void> replace(std::string certificate_pem, std::string key_pem, std::string client_ca_pem);
  // Valid until replace(): make each session from a fresh call (SSL_new takes its own reference).
  ssl_ctx_st* context() const { return context_; }

 private:
  ServerTls() = default;
  ssl_ctx_st* context_ = nullptr;
  Settings settings_;
};

class ClientTls {
 public:
  struct Options {
    std::string ca_pem;           // "" : the system's roots
    std::string certificate_pem;  // client certificate, may be ""
    std::string key_pem;
    bool insecure_skip_verify = false;
    bool offer_http2 = true;
  };
  static Result<std::shared_ptr<ClientTls>> create(Options options);
  ~ClientTls();
  Result<void> replace(Options options);
  ssl_ctx_st* context() const { return context_; }  // as ServerTls::context
  // Call before the handshake: sends SNI and checks the server's certificate for `name`, a host
  // name or the text of an address (no brackets).
  Result<void> expect_peer(ssl_st* session, const std::string& name) const;
  bool insecure_skip_verify() const { return insecure_skip_verify_; }

 private:
  ClientTls() = default;
  ssl_ctx_st* context_ = nullptr;
  bool insecure_skip_verify_ = false;
};

}  // namespace tiphys::crypto
