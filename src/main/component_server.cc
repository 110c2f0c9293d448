#include "main/component_server.h"

#include <unistd.h>

#include <algorithm>

#include "base/strings.h"
#include "crypto/certificate.h"
#include "crypto/tls.h"
#include "main/flags.h"
#include "os/files.h"

namespace tiphys {

namespace {

constexpr MicroTime kSelfSignedSpan = 365LL * 24 * 3600 * kMicrosPerSecond;
constexpr Duration kStopGrace = std::chrono::seconds(1);

net::Response text_response(int status, std::string text,
                            std::string_view type = "text/plain; charset=utf-8") {
  net::Response response{.status = status};
  response.headers.set("content-type", type);
  response.headers.set("x-content-type-options", "nosniff");
  response.body = std::make_shared<const std::string>(std::move(text));
  return response;
}

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
      metrics_(std::move(metrics)) {}
ComponentServer::~ComponentServer() = default;

Result<void> ComponentServer::make_tls() {
  if (flags_.tls_cert_file.empty() != flags_.tls_private_key_file.empty()) {
    return ApiStatus::bad_request("--tls-cert-file and --tls-private-key-file go together");
  }
  std::string ca;
  if (!flags_.client_ca_file.empty()) {
    TIPHYS_TRY(std::string, text, os::read_file(flags_.client_ca_file));
    TIPHYS_TRY(auto, authorities, certificates_of(text));
    client_authorities_ = std::move(authorities);
    ca = std::move(text);
  }
  if (!flags_.request_header.client_ca_file.empty()) {
    TIPHYS_TRY(std::string, text, os::read_file(flags_.request_header.client_ca_file));
    TIPHYS_TRY(auto, authorities, certificates_of(text));
    proxies_.emplace(flags_.request_header, std::move(authorities));
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
  tokens_.emplace(host_.loop(), *authentication_, flags_.token_ttl);
  access_.emplace(host_.loop(), *authorization_, flags_.authorized_ttl, flags_.unauthorized_ttl);
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
    std::optional<net::Response> refused =
        co_await refusal(path, to_lower(request.method), request.headers, request.peer_certificate);
    if (refused) co_return std::move(*refused);
  }
  if (path == "/healthz" || path == "/livez" || path == "/readyz")
    co_return text_response(200, "ok");
  if (path == "/metrics") co_return text_response(200, metrics_(), "text/plain; version=0.0.4");
  if (path == "/configz" && config_)
    co_return text_response(200, config_(), "application/json; charset=utf-8");
  co_return text_response(404, "404 page not found\n");
}

Task<std::optional<net::Response>> ComponentServer::refusal(
    std::string path, std::string verb, net::Headers headers,
    std::shared_ptr<const crypto::Certificate> peer) {
  Result<client::ReviewedUser> user = co_await who(std::move(headers), std::move(peer));
  if (!user) co_return text_response(401, "Unauthorized\n");
  Result<bool> allowed = co_await may(*user, path, verb);
  if (!allowed) co_return text_response(500, std::string(allowed.error().message()) + "\n");
  if (*allowed) co_return std::nullopt;
  co_return text_response(
      403, "forbidden: User \"" + user->name + "\" cannot " + verb + " path \"" + path + "\"\n");
}

// The handshake has verified the certificate, but not told by which CA.
Result<std::optional<client::ReviewedUser>> ComponentServer::peer_user(
    const crypto::Certificate& peer, const net::Headers& headers) const {
  std::optional<client::ReviewedUser> nobody;
  if (proxies_) {
    TIPHYS_TRY(std::optional<client::ReviewedUser>, named, proxies_->user(peer, headers));
    if (named) return named;
    if (flags_.client_ca_file.empty()) return nobody;
    if (!signed_by_any(peer, client_authorities_)) return ApiStatus::unauthorized("Unauthorized");
  }
  crypto::Subject subject = peer.subject();
  return std::optional(client::ReviewedUser{subject.common_name, "", subject.organizations, {}});
}

Task<Result<client::ReviewedUser>> ComponentServer::who(
    net::Headers headers, std::shared_ptr<const crypto::Certificate> peer) {
  bool over = peer && peer->is_over(host_.loop().wall());
  if (peer && !over) {
    Result<std::optional<client::ReviewedUser>> user = peer_user(*peer, headers);
    if (!user) co_return user.error();
    if (*user) co_return std::move(**user);
  }
  std::string authorization(headers.get("authorization"));
  constexpr std::string_view kBearer = "bearer ";
  if (!to_lower(authorization).starts_with(kBearer)) {
    if (over) co_return ApiStatus::unauthorized("Unauthorized");
    co_return client::ReviewedUser{"system:anonymous", "", {"system:unauthenticated"}, {}};
  }
  std::string token(trim(std::string_view(authorization).substr(kBearer.size())));
  auto user = co_await tokens_->review(std::move(token));
  if (!user) co_return user.error();
  if (!*user) co_return ApiStatus::unauthorized("Unauthorized");
  co_return std::move(**user);
}

Task<Result<bool>> ComponentServer::may(client::ReviewedUser user, std::string path,
                                        std::string verb) {
  if (std::ranges::find(user.groups, "system:masters") != user.groups.end()) co_return true;
  Draft draft = authorization_v1::SubjectAccessReview::make();
  auto spec = authorization_v1::SubjectAccessReviewEdit(draft).edit_spec();
  client::set_user(spec, user);
  spec.edit_non_resource_attributes().set_path(path);
  spec.edit_non_resource_attributes().set_verb(verb);
  co_return co_await access_->allows(draft.freeze());
}

}  // namespace tiphys
