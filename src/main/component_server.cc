#include "main/component_server.h"

#include <unistd.h>

#include <algorithm>

#include "base/build_info.h"
#include "base/strings.h"
#include "crypto/certificate.h"
#include "crypto/tls.h"
#include "main/flags.h"
#include "net/text_response.h"
#include "os/files.h"

namespace tiphys {

namespace {

constexpr MicroTime kSelfSignedSpan = 365LL * 24 * 3600 * kMicrosPerSecond;
constexpr Duration kStopGrace = std::chrono::seconds(1);

using net::text_response;

// As upstream's, which is made at start too when no files are named.
Result<std::pair<std::string, std::string>> self_signed(MicroTime now) {
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  TIPHYS_TRY(crypto::PrivateKey, key, crypto::PrivateKey::generate());
  crypto::CertificateTemplate what;
  what.subject.common_name = std::string(host) + "@" + std::to_string(now / kMicrosPerSecond);
  what.server_auth = true;
  what.dns_names = {host, "localhost"};
  what.ip_addresses = {"127.0.0.1"};
  what.not_before = now - 3600 * kMicrosPerSecond;
  what.not_after = now + kSelfSignedSpan;
  TIPHYS_TRY(crypto::Certificate, made, crypto::sign_certificate(what, key, nullptr, key));
  return std::pair(made.to_pem(), key.to_pem());
}

}  // namespace

void ServingFlags::add_to(FlagSet& flags) {
  flags.add("bind-address", bind_address, "Address to serve on");
  flags.add("secure-port", secure_port, "Port of /healthz and /metrics over TLS (0: none)");
  flags.add("tls-cert-file", tls_cert_file, "Certificate to serve with (\"\": a self-signed one)");
  flags.add("tls-private-key-file", tls_private_key_file, "Key of --tls-cert-file");
  flags.add("client-ca-file", client_ca_file, "CA of client certificates that are believed");
  flags.add("tls-min-version", tls.min_version, "VersionTLS12 or VersionTLS13");
  flags.add("tls-cipher-suites", tls.cipher_suites, "Cipher suites of TLS 1.2, by Go's names");
  flags.add("authentication-token-webhook-cache-ttl", token_ttl,
            "How long the API server's word about a token is remembered");
  flags.add("authorization-webhook-cache-authorized-ttl", authorized_ttl,
            "How long a right is remembered");
  flags.add("authorization-webhook-cache-unauthorized-ttl", unauthorized_ttl,
            "How long the lack of a right is remembered");
  request_header.add_to(flags);
  flags.add("authorization-always-allow-paths", always_allow_paths, "Paths that anyone may see");
}

ComponentServer::ComponentServer(Host& host, client::Client& client, ServingFlags flags,
                                 std::function<std::string()> metrics)
    : host_(host),
      authentication_(&client),
      authorization_(&client),
      flags_(std::move(flags)),
      metrics_(std::move(metrics)) {
  for (const char* root : {"healthz", "livez", "readyz"}) {
    health_.serve(root, {net::answers("ping")});
  }
}
ComponentServer::~ComponentServer() = default;

Result<void> ComponentServer::make_tls() {
  if (flags_.tls_cert_file.empty() != flags_.tls_private_key_file.empty()) {
    return ApiStatus::bad_request("--tls-cert-file and --tls-private-key-file go together");
  }
  std::string ca;
  if (!flags_.client_ca_file.empty()) {
    TIPHYS_TRY(std::string, text, os::read_file(flags_.client_ca_file));
    TIPHYS_TRY(auto, authorities, certificates_of(text));
    callers_.client_authorities = std::move(authorities);
    ca = std::move(text);
  }
  if (!flags_.request_header.client_ca_file.empty()) {
    TIPHYS_TRY(std::string, text, os::read_file(flags_.request_header.client_ca_file));
    TIPHYS_TRY(auto, authorities, certificates_of(text));
    callers_.proxies.emplace(flags_.request_header, std::move(authorities));
    ca += "\n" + text;
  }
  std::pair<std::string, std::string> pair;
  if (flags_.tls_cert_file.empty()) {
    TIPHYS_TRY(auto, made, self_signed(host_.loop().wall()));
    pair = std::move(made);
  } else {
    TIPHYS_TRY(std::string, certificate, os::read_file(flags_.tls_cert_file));
    TIPHYS_TRY(std::string, key, os::read_file(flags_.tls_private_key_file));
    pair = {std::move(certificate), std::move(key)};
  }
  TIPHYS_TRY(auto, tls, crypto::ServerTls::create(pair.first, pair.second, ca, flags_.tls));
  tls_ = std::move(tls);
  return {};
}

Result<void> ComponentServer::start() {
  if (flags_.secure_port == 0) return {};
  Result<void> made = make_tls();
  if (!made) return made;
  callers_.token_ttl = flags_.token_ttl;
  callers_.authorized_ttl = flags_.authorized_ttl;
  callers_.unauthorized_ttl = flags_.unauthorized_ttl;
  access_.emplace(host_.loop(), *authentication_, *authorization_, callers_);
  server_ = std::make_unique<net::Server>(
      host_.loop(), tls_, [this](net::Request request) { return handle(std::move(request)); });
  Result<void> listening =
      server_->listen(flags_.bind_address, static_cast<uint16_t>(flags_.secure_port));
  if (!listening) server_.reset();
  return listening;
}

Task<void> ComponentServer::stop() {
  if (server_) co_await server_->stop(kStopGrace);
}

Task<net::Response> ComponentServer::handle(net::Request request) {
  std::string path = request.path;
  if (std::ranges::find(flags_.always_allow_paths, path) == flags_.always_allow_paths.end()) {
    std::optional<net::Response> refused = co_await access_->refusal(
        {path, to_lower(request.method), request.headers, request.peer_certificate});
    if (refused) co_return std::move(*refused);
  }
  if (auto checked = health_.answer(path, request.query)) co_return std::move(*checked);
  if (path == "/metrics")
    co_return text_response(200, build_info_text() + metrics_(), net::kMetricsText);
  if (path == "/metrics/slis") co_return health_.slis(request.method);
  if (path == "/configz" && config_)
    co_return text_response(200, config_(), "application/json; charset=utf-8");
  co_return net::not_found_response();
}

}  // namespace tiphys
