#include "crypto/tls.h"

#include "crypto/openssl.h"

namespace tiphys::crypto {
namespace {

constexpr unsigned char kServerAlpn[] = "\x02h2\x08http/1.1";
constexpr unsigned char kHttp1Alpn[] = "\x08http/1.1";

int select_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                unsigned in_size, void*) {
  unsigned char* chosen = nullptr;
  int result =
      SSL_select_next_proto(&chosen, out_size, kServerAlpn, sizeof kServerAlpn - 1, in, in_size);
  *out = chosen;
  // No overlap: go on without ALPN (HTTP/1.1), as Go's server does for clients that offer none.
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

Result<OwnedContext> new_context(const SSL_METHOD* method) {
  OwnedContext context(SSL_CTX_new(method));
  if (!context) return openssl_error("make a TLS context");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                         SSL_OP_NO_TICKET | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_default_passwd_cb(context.get(), refuse_password);
  return context;
}

Result<void> use_chain(SSL_CTX* context, std::string_view pem) {
  OwnedBio bio = borrow_bio(pem);
  OwnedX509 leaf(PEM_read_bio_X509(bio.get(), nullptr, refuse_password, nullptr));
  if (!leaf || SSL_CTX_use_certificate(context, leaf.get()) != 1) {
    return openssl_error("read certificate");
  }
  while (OwnedX509 next{PEM_read_bio_X509(bio.get(), nullptr, refuse_password, nullptr)}) {
    if (SSL_CTX_add0_chain_cert(context, next.get()) != 1) return openssl_error("add to chain");
    (void)next.release();
  }
  ERR_clear_error();
  return {};
}

Result<void> use_certificate(SSL_CTX* context, std::string_view certificate_pem,
                             std::string_view key_pem) {
  auto chain = use_chain(context, certificate_pem);
  if (!chain) return chain;
  auto key = PrivateKey::from_pem(key_pem);
  if (!key) return key.error();
  if (SSL_CTX_use_PrivateKey(context, key->get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    return openssl_error("private key does not belong to the certificate");
  }
  return {};
}

// Trusts every certificate of the bundle; with `ask_for`, also names them in the server's request.
Result<void> trust(SSL_CTX* context, std::string_view bundle, bool ask_for) {
  OwnedBio bio = borrow_bio(bundle);
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  int count = 0;
  while (OwnedX509 ca{PEM_read_bio_X509(bio.get(), nullptr, refuse_password, nullptr)}) {
    if (X509_STORE_add_cert(store, ca.get()) != 1) return openssl_error("trust a CA certificate");
    if (ask_for && SSL_CTX_add_client_CA(context, ca.get()) != 1) {
      return openssl_error("name a client CA");
    }
    count++;
  }
  if (count == 0) return openssl_error("data does not contain any valid CA certificate");
  ERR_clear_error();
  // A CA of the bundle need not be self-signed: an intermediate may be the trust anchor, as in Go.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  return {};
}

Result<void> set_min_version(SSL_CTX* context, const std::string& name) {
  if (name.empty() || name == "VersionTLS12") return {};
  if (name != "VersionTLS13") return ApiStatus::bad_request("unknown tls version \"" + name + "\"");
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  return {};
}

// Those of TLS 1.3 are known, and always on.
Result<void> set_cipher_suites(SSL_CTX* context, const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) {
    std::string known = OPENSSL_cipher_name(name.c_str());
    if (known == "(NONE)") known = OPENSSL_cipher_name((name + "_SHA256").c_str());
    if (known == "(NONE)") {
      return ApiStatus::bad_request("Cipher suite " + name + " not supported or doesn't exist");
    }
    if (!known.starts_with("TLS_")) list += (list.empty() ? "" : ":") + known;
  }
  if (!list.empty() && SSL_CTX_set_cipher_list(context, list.c_str()) != 1) {
    return openssl_error("set cipher suites");
  }
  return {};
}

Result<void> apply(const ServerTls::Settings& settings, SSL_CTX* context) {
  Result<void> set = set_min_version(context, settings.min_version);
  return set ? set_cipher_suites(context, settings.cipher_suites) : set;
}

Result<OwnedContext> server_context(std::string_view certificate_pem, std::string_view key_pem,
                                    std::string_view client_ca_pem,
                                    const ServerTls::Settings& settings) {
  auto context = new_context(TLS_server_method());
  if (!context) return context;
  SSL_CTX* raw = context->get();
  if (auto set = apply(settings, raw); !set) return set.error();
  if (auto used = use_certificate(raw, certificate_pem, key_pem); !used) return used.error();
  SSL_CTX_set_options(raw, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_num_tickets(raw, 0);
  SSL_CTX_set_alpn_select_cb(raw, select_alpn, nullptr);
  if (!client_ca_pem.empty()) {
    if (auto trusted = trust(raw, client_ca_pem, true); !trusted) return trusted.error();
    SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE, nullptr);
  }
  return context;
}

Result<OwnedContext> client_context(const ClientTls::Options& options) {
  auto context = new_context(TLS_client_method());
  if (!context) return context;
  SSL_CTX* raw = context->get();
  if (!options.certificate_pem.empty()) {
    auto used = use_certificate(raw, options.certificate_pem, options.key_pem);
    if (!used) return used.error();
  }
  if (options.insecure_skip_verify) {
    SSL_CTX_set_verify(raw, SSL_VERIFY_NONE, nullptr);
  } else {
    SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
    if (options.ca_pem.empty()) {
      SSL_CTX_set_default_verify_paths(raw);
    } else if (auto trusted = trust(raw, options.ca_pem, false); !trusted) {
      return trusted.error();
    }
  }
  const unsigned char* alpn = options.offer_http2 ? kServerAlpn : kHttp1Alpn;
  unsigned alpn_size = options.offer_http2 ? sizeof kServerAlpn - 1 : sizeof kHttp1Alpn - 1;
  if (SSL_CTX_set_alpn_protos(raw, alpn, alpn_size) != 0) return openssl_error("set ALPN");
  return context;
}

}  // namespace

Result<void> ServerTls::check(const Settings& settings) {
  auto context = new_context(TLS_server_method());
  return context ? apply(settings, context->get()) : context.error();
}

Result<std::shared_ptr<ServerTls>> ServerTls::create(std::string certificate_pem,
                                                     std::string key_pem, std::string client_ca_pem,
                                                     Settings settings) {
  std::shared_ptr<ServerTls> tls(new ServerTls());
  tls->settings_ = std::move(settings);
  auto done =
      tls->replace(std::move(certificate_pem), std::move(key_pem), std::move(client_ca_pem));
  if (!done) return done.error();
  return tls;
}

ServerTls::~ServerTls() { SSL_CTX_free(context_); }

Result<void> ServerTls::replace(std::string certificate_pem, std::string key_pem,
                                std::string client_ca_pem) {
  auto context = server_context(certificate_pem, key_pem, client_ca_pem, settings_);
  if (!context) return context.error();
  SSL_CTX_free(context_);  // running sessions hold their own reference
  context_ = context->release();
  return {};
}

Result<std::shared_ptr<ClientTls>> ClientTls::create(Options options) {
  std::shared_ptr<ClientTls> tls(new ClientTls());
  auto done = tls->replace(std::move(options));
  if (!done) return done.error();
  return tls;
}

ClientTls::~ClientTls() { SSL_CTX_free(context_); }

Result<void> ClientTls::replace(Options options) {
  auto context = client_context(options);
  if (!context) return context.error();
  SSL_CTX_free(context_);
  context_ = context->release();
  insecure_skip_verify_ = options.insecure_skip_verify;
  return {};
}

Result<void> ClientTls::expect_peer(ssl_st* session, const std::string& name) const {
  // A name that is an address goes without SNI (RFC 6066) and is checked against address SANs.
  bool is_address = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), name.c_str()) == 1;
  ERR_clear_error();
  if (!is_address && SSL_set_tlsext_host_name(session, name.c_str()) != 1) {
    return openssl_error("set server name " + name);
  }
  if (!is_address && SSL_set1_host(session, name.c_str()) != 1) {
    return openssl_error("expect server name " + name);
  }
  SSL_set_hostflags(session,
                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  return {};
}

}  // namespace tiphys::crypto
