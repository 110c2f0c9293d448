#include "net/wire.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>

#include "crypto/certificate.h"
#include "crypto/openssl.h"

namespace tiphys::net {

namespace {

void ignore_sigpipe() {
  struct sigaction action{};
  if (::sigaction(SIGPIPE, nullptr, &action) == 0 && action.sa_handler == SIG_DFL) {
    ::signal(SIGPIPE, SIG_IGN);
  }
}

ssize_t plain_result(ssize_t n, std::string& error) {
  if (n >= 0) return n;
  if (errno == EAGAIN || errno == EINTR) return Wire::kAgain;
  error = std::strerror(errno);
  return Wire::kBroken;
}

}  // namespace

void Wire::FreeSsl::operator()(ssl_st* ssl) const { SSL_free(ssl); }

bool Wire::start_tls_server(ssl_ctx_st* context) {
  ignore_sigpipe();
  ssl_.reset(SSL_new(context));
  if (!ssl_ || SSL_set_fd(ssl_.get(), fd_.get()) != 1) return false;
  // One read(2) takes a record with its head, or several; the buffer is released when it is empty.
  SSL_set_read_ahead(ssl_.get(), 1);
  SSL_set_accept_state(ssl_.get());
  return true;
}

bool Wire::start_tls_client(ssl_ctx_st* context) {
  ignore_sigpipe();
  ssl_.reset(SSL_new(context));
  if (!ssl_ || SSL_set_fd(ssl_.get(), fd_.get()) != 1) return false;
  SSL_set_read_ahead(ssl_.get(), 1);
  SSL_set_connect_state(ssl_.get());
  return true;
}

bool Wire::offer_http1_only() {
  static constexpr unsigned char kNames[] = "\x08http/1.1";
  return SSL_set_alpn_protos(ssl_.get(), kNames, sizeof kNames - 1) == 0;
}

ssize_t Wire::tls_result(int result) {
  int saved = errno;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return kAgain;
    case SSL_ERROR_ZERO_RETURN:
      return kEnd;
    case SSL_ERROR_SYSCALL:
      error_ = saved ? std::strerror(saved) : "EOF";
      break;
    default:
      error_ = crypto::openssl_error("tls").message();
      if (long verify = SSL_get_verify_result(ssl_.get()); verify != X509_V_OK) {
        error_ = std::string("tls: failed to verify certificate: x509: ") +
                 X509_verify_cert_error_string(verify);
      }
  }
  ERR_clear_error();
  return kBroken;
}

ssize_t Wire::handshake() {
  if (!ssl_) return kEnd;
  ERR_clear_error();
  errno = 0;
  int result = SSL_do_handshake(ssl_.get());
  if (result == 1) return kEnd;
  ssize_t outcome = tls_result(result);
  if (outcome != kEnd) return outcome;
  error_ = "EOF";
  return kBroken;
}

ssize_t Wire::read(char* to, size_t size) {
  if (!fd_.valid()) return kBroken;
  if (!ssl_) return plain_result(::recv(fd_.get(), to, size, 0), error_);
  ERR_clear_error();
  errno = 0;
  int n = SSL_read(ssl_.get(), to, static_cast<int>(std::min<size_t>(size, INT_MAX)));
  return n > 0 ? n : tls_result(n);
}

ssize_t Wire::write(const char* from, size_t size) {
  if (!fd_.valid()) return kBroken;
  if (size == 0) return 0;
  if (!ssl_) return plain_result(::send(fd_.get(), from, size, MSG_NOSIGNAL), error_);
  ERR_clear_error();
  errno = 0;
  int n = SSL_write(ssl_.get(), from, static_cast<int>(std::min<size_t>(size, INT_MAX)));
  if (n > 0) return n;
  ssize_t outcome = tls_result(n);
  return outcome == kEnd ? kBroken : outcome;
}

void Wire::shut_write() {
  if (!fd_.valid()) return;
  if (ssl_) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }
  ::shutdown(fd_.get(), SHUT_WR);
}

void Wire::close() {
  if (ssl_ && fd_.valid()) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());  // close_notify if there is room for it; no answer is waited for
    ERR_clear_error();
  }
  ssl_.reset();
  fd_.reset();
}

std::string Wire::alpn() const {
  if (!ssl_) return "";
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return std::string(reinterpret_cast<const char*>(name), size);
}

std::shared_ptr<const crypto::Certificate> Wire::peer_certificate() const {
  X509* found = ssl_ ? SSL_get1_peer_certificate(ssl_.get()) : nullptr;
  if (!found) return nullptr;
  return std::make_shared<const crypto::Certificate>(crypto::Certificate::adopt(found));
}

}  // namespace tiphys::net
