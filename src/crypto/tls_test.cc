#include "crypto/tls.h"

#include <gtest/gtest.h>

#include "crypto/openssl.h"

namespace tiphys::crypto {
namespace {

constexpr MicroTime kDay = 86400 * kMicrosPerSecond;

MicroTime now() { return static_cast<MicroTime>(time(nullptr)) * kMicrosPerSecond; }

struct Identity {
  std::string certificate;
  std::string key;
};

class Tls : public testing::Test {
 protected:
  void SetUp() override {
    CertificateTemplate what = lasting("ca");
    what.ca = true;
    ca_.emplace(*sign_certificate(what, ca_key_, nullptr, ca_key_));
  }
  static CertificateTemplate lasting(const std::string& name) {
    CertificateTemplate what;
    what.subject.common_name = name;
    what.not_before = now() - kDay;
    what.not_after = now() + kDay;
    return what;
  }
  Identity identity(CertificateTemplate what) {
    auto key = *PrivateKey::generate();
    return {sign_certificate(what, key, &*ca_, ca_key_)->to_pem(), key.to_pem()};
  }
  Identity server_identity(const std::string& dns = "kubernetes") {
    CertificateTemplate what = lasting("server");
    what.server_auth = true;
    what.dns_names = {dns};
    what.ip_addresses = {"127.0.0.1"};
    return identity(what);
  }
  std::shared_ptr<ServerTls> server() {
    Identity id = server_identity();
    return *ServerTls::create(id.certificate, id.key, ca_->to_pem());
  }
  // Runs both ends over memory. True if both finish; ends up in client_ and server_.
  bool shake(const ServerTls& server, const ClientTls& client, const std::string& name) {
    client_.reset(SSL_new(client.context()));
    server_.reset(SSL_new(server.context()));
    BIO* left = nullptr;
    BIO* right = nullptr;
    BIO_new_bio_pair(&left, 0, &right, 0);
    SSL_set_bio(client_.get(), left, left);
    SSL_set_bio(server_.get(), right, right);
    if (!client.expect_peer(client_.get(), name)) return false;
    SSL_set_connect_state(client_.get());
    SSL_set_accept_state(server_.get());
    for (int i = 0; i < 20; i++) {
      int a = SSL_do_handshake(client_.get());
      int b = SSL_do_handshake(server_.get());
      if (a == 1 && b == 1) return true;
    }
    ERR_clear_error();
    return false;
  }
  PrivateKey ca_key_ = *PrivateKey::generate();
  std::optional<Certificate> ca_;
  Owned<SSL, SSL_free> client_;
  Owned<SSL, SSL_free> server_;
};

TEST_F(Tls, HandshakesWithHttp2AndClientCertificate) {
  CertificateTemplate what = lasting("admin");
  what.client_auth = true;
  Identity id = identity(what);
  auto client = *ClientTls::create({ca_->to_pem(), id.certificate, id.key});
  auto server_tls = server();
  ASSERT_TRUE(shake(*server_tls, *client, "127.0.0.1"));
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(server_.get(), &protocol, &size);
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(protocol), size), "h2");
  X509* peer = SSL_get1_peer_certificate(server_.get());
  ASSERT_TRUE(peer);
  EXPECT_EQ(Certificate::adopt(peer).subject().common_name, "admin");
}

TEST_F(Tls, ClientCertificateIsOptional) {
  auto client = *ClientTls::create({.ca_pem = ca_->to_pem(), .offer_http2 = false});
  auto server_tls = server();
  ASSERT_TRUE(shake(*server_tls, *client, "kubernetes"));
  EXPECT_FALSE(SSL_get0_peer_certificate(server_.get()));
}

TEST_F(Tls, RefusesForeignExpiredAndServerCertificatesAsClients) {
  auto server_tls = server();
  auto key = *PrivateKey::generate();
  auto self_signed = sign_certificate(lasting("admin"), key, nullptr, key)->to_pem();
  auto foreign = *ClientTls::create({ca_->to_pem(), self_signed, key.to_pem()});
  EXPECT_FALSE(shake(*server_tls, *foreign, "kubernetes"));
  CertificateTemplate old = lasting("admin");
  old.client_auth = true;
  old.not_after = now() - kDay / 2;
  Identity expired = identity(old);
  auto late = *ClientTls::create({ca_->to_pem(), expired.certificate, expired.key});
  EXPECT_FALSE(shake(*server_tls, *late, "kubernetes"));
  Identity wrong_use = server_identity();
  auto misuse = *ClientTls::create({ca_->to_pem(), wrong_use.certificate, wrong_use.key});
  EXPECT_FALSE(shake(*server_tls, *misuse, "kubernetes"));
}

TEST_F(Tls, ClientChecksNameAndAuthority) {
  auto server_tls = server();
  auto client = *ClientTls::create({.ca_pem = ca_->to_pem()});
  EXPECT_FALSE(shake(*server_tls, *client, "other"));
  EXPECT_FALSE(shake(*server_tls, *client, "127.0.0.2"));
  auto key = *PrivateKey::generate();
  CertificateTemplate what = lasting("ca");
  what.ca = true;
  auto other_ca = sign_certificate(what, key, nullptr, key)->to_pem();
  auto stranger = *ClientTls::create({.ca_pem = other_ca});
  EXPECT_FALSE(shake(*server_tls, *stranger, "kubernetes"));
  auto careless = *ClientTls::create({.insecure_skip_verify = true});
  EXPECT_TRUE(shake(*server_tls, *careless, "other"));
}

TEST_F(Tls, ReplacesForSessionsToCome) {
  auto server_tls = server();
  auto client = *ClientTls::create({.ca_pem = ca_->to_pem()});
  Identity next = server_identity("renewed");
  ASSERT_TRUE(server_tls->replace(next.certificate, next.key, ca_->to_pem()));
  EXPECT_TRUE(shake(*server_tls, *client, "renewed"));
  EXPECT_FALSE(server_tls->replace(next.certificate, server_identity().key, ""));
  EXPECT_FALSE(server_tls->replace(next.certificate, next.key, "no PEM"));
  EXPECT_TRUE(shake(*server_tls, *client, "renewed"));
}

TEST_F(Tls, RefusesOldProtocol) {
  auto server_tls = server();
  auto client = *ClientTls::create({.ca_pem = ca_->to_pem()});
  SSL_CTX_set_min_proto_version(client->context(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(client->context(), TLS1_1_VERSION);
  EXPECT_FALSE(shake(*server_tls, *client, "kubernetes"));
}

}  // namespace
}  // namespace tiphys::crypto
