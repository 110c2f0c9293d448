#include "main/api_server_process.h"

#include <unistd.h>

#include "apiserver/admission/plugins.h"
#include "apiserver/authn/request_authenticator.h"
#include "apiserver/authz/bootstrap_policy.h"
#include "apiserver/authz/modes.h"
#include "apiserver/authz/node.h"
#include "apiserver/authz/rbac.h"
#include "apiserver/handlers/connect.h"
#include "apiserver/registry/service_ranges.h"
#include "apiserver/reviews/reviews.h"
#include "base/log.h"
#include "base/strings.h"
#include "codec/codec.h"
#include "kinds/metadata.h"
#include "main/audit_flags.h"
#include "main/bootstrap_policy.h"
#include "net/socket.h"
#include "os/files.h"
#include "os/interfaces.h"
#include "storage/embedded/embedded_store.h"

namespace tiphys {
namespace {

constexpr Duration kStopGrace = std::chrono::seconds(5);

Result<std::pair<int, int>> parse_port_range(const std::string& text) {
  size_t dash = text.find('-');
  if (dash != std::string::npos) {
    std::optional<int64_t> first = parse_int(text.substr(0, dash));
    std::optional<int64_t> last = parse_int(text.substr(dash + 1));
    if (first && last && *first >= 1 && *first <= *last && *last <= 65535) {
      return std::pair(static_cast<int>(*first), static_cast<int>(*last));
    }
  }
  return ApiStatus::bad_request("--service-node-port-range: " + go_quote(text) +
                                " is not a valid port range");
}

std::string default_address(bool v6) {
  std::string found = os::primary_address(v6 ? os::Family::kIpv6 : os::Family::kIpv4);
  if (!found.empty()) return found;
  return v6 ? "::1" : "127.0.0.1";
}

crypto::ClientTls::Options kubelet_client(const crypto::Pki& pki, const std::string& ca_pem) {
  const crypto::PkiPair& pair = pki.pair(crypto::PkiLeaf::kApiserverKubeletClient);
  return {.ca_pem = ca_pem,
          .certificate_pem = pair.certificate_pem,
          .key_pem = pair.key_pem,
          .insecure_skip_verify = ca_pem.empty()};
}

// A body over the limit is never read whole; the API server answers it all the same.
net::ServerLimits listener_limits() {
  net::ServerLimits limits{.max_body_bytes = codec::kMaxBodyBytes, .too_large_to_handler = true};
  limits.streams_body = apiserver::streams_body;
  return limits;
}

}  // namespace

void ApiServerFlags::add_to(FlagSet& flags) {
  flags.add("data-dir", data_dir, "Folder of the embedded store and everything else that is kept");
  flags.add("cert-dir", cert_dir,
            "Folder of certificates and keys; made where missing "
            "(\"\": <data-dir>/pki)");
  flags.add("bind-address", bind_address, "Address to listen on");
  flags.add("advertise-address", advertise_address,
            "Address that others reach this server at "
            "(\"\": the one of the default route)");
  flags.add("secure-port", secure_port, "HTTPS port");
  flags.add("service-cluster-ip-range", service_cidr,
            "Ranges of the Services' cluster addresses: one, or one of each IP family");
  flags.add("service-node-port-range", node_port_range, "Range of node ports");
  flags.add("authorization-mode", authorization_mode,
            "Authorizers, in order: AlwaysAllow, AlwaysDeny, Node, RBAC");
  flags.add("authorization-always-allow-paths", always_allow_paths,
            "Paths that everybody may ask for, resources aside; a trailing * stands for all below");
  flags.add("token-auth-file", token_auth_file, "CSV file of static bearer tokens");
  flags.add("client-ca-file", client_ca_file,
            "CA of client certificates (\"\": <cert-dir>/ca.crt)");
  flags.add("tls-cert-file", tls_cert_file, "Serving certificate (\"\": made in <cert-dir>)");
  flags.add("tls-private-key-file", tls_private_key_file, "Key of --tls-cert-file");
  flags.add("kubelet-certificate-authority", kubelet_certificate_authority,
            "CA file that kubelets' serving certificates are verified against (\"\": they aren't)");
  flags.add("enable-admission-plugins", enable_admission_plugins,
            "Admission plugins to enable besides the default ones");
  flags.add("disable-admission-plugins", disable_admission_plugins,
            "Default admission plugins to leave out");
  flags.add("etcd-servers", etcd_servers, "etcd endpoints; not there yet, use --data-dir");
  flags.add("service-account-issuer", service_account_issuer,
            "Issuers of service account tokens; the first one issues");
  flags.add("service-account-jwks-uri", service_account_jwks_uri,
            "Where the tokens' keys are read, as OpenID discovery tells (\"\": this server)");
  flags.add("service-account-extend-token-expiration", service_account_extend_token_expiration,
            "Give pods' tokens of the default time a year, whatever the limit, for clients that "
            "never read them again");
  flags.add("service-account-max-token-expiration", service_account_max_token_expiration,
            "Longest time of a token; requests for more are given this much (0: no limit)");
  flags.add("api-audiences", api_audiences, "Audiences of tokens (default: the issuers)");
  flags.add("max-requests-inflight", max_requests_inflight,
            "Reading requests served at a time (0: no limit)");
  flags.add("max-mutating-requests-inflight", max_mutating_requests_inflight,
            "Writing requests served at a time (0: no limit)");
  flags.add("request-timeout", request_timeout,
            "Time for a request that is neither a watch nor a stream");
  flags.add("min-request-timeout", min_request_timeout,
            "Seconds that a watch lasts at least, if its client asks for no time");
  flags.add("enable-bootstrap-token-auth", enable_bootstrap_token_auth,
            "Take the tokens of secrets of type bootstrap.kubernetes.io/token in kube-system");
  flags.add("anonymous-auth", anonymous_auth,
            "Take requests without credentials as system:anonymous of system:unauthenticated; "
            "never with the mode AlwaysAllow");
  flags.add("allow-privileged", allow_privileged, "Allow privileged containers");
  add_audit_flags(flags, audit);
}

ApiServerProcess::ApiServerProcess(Host& host, ApiServerFlags flags)
    : host_(host), flags_(std::move(flags)), gate_(host.loop()) {}

ApiServerProcess::~ApiServerProcess() = default;

Result<void> ApiServerProcess::check_token_expiration() const {
  Duration limit = flags_.service_account_max_token_expiration;
  if (limit == Duration::zero()) return {};
  if (limit < std::chrono::hours(1) || limit > std::chrono::seconds(apiserver::kMaxTokenSeconds)) {
    return ApiStatus::bad_request(
        "the service-account-max-token-expiration must be between 1 hour and 2^32 seconds");
  }
  if (!flags_.service_account_extend_token_expiration) return {};
  if (limit < std::chrono::seconds(apiserver::kExtendableSeconds)) {
    LOG_WARNING(
        "service-account-extend-token-expiration is true, in order to correctly trigger safe "
        "transition logic, service-account-max-token-expiration must be set longer than 3607 "
        "seconds");
  }
  if (limit < std::chrono::seconds(apiserver::kExtendedSeconds)) {
    LOG_WARNING(
        "service-account-extend-token-expiration is true, enabling tokens valid up to 31536000 "
        "seconds, which is longer than service-account-max-token-expiration");
  }
  return {};
}

Result<void> ApiServerProcess::check_flags() {
  if (!flags_.etcd_servers.empty()) {
    return ApiStatus::bad_request(
        "--etcd-servers: the etcd engine is not there yet; leave the flag out to use the embedded "
        "store in --data-dir");
  }
  if (!flags_.allow_privileged) {
    return ApiStatus::bad_request(
        "--allow-privileged=false is not there yet; use Pod Security admission");
  }
  if (flags_.secure_port < 1 || flags_.secure_port > 65535) {
    return ApiStatus::bad_request("--secure-port " + std::to_string(flags_.secure_port) +
                                  " must be between 1 and 65535, inclusive");
  }
  if (flags_.request_timeout <= Duration::zero()) {
    return ApiStatus::bad_request("--request-timeout must be greater than 0");
  }
  for (int64_t number : {flags_.max_requests_inflight, flags_.max_mutating_requests_inflight,
                         flags_.min_request_timeout}) {
    if (number < 0 || number > INT32_MAX) {
      return ApiStatus::bad_request(
          "--max-requests-inflight, --max-mutating-requests-inflight and --min-request-timeout "
          "can not be negative value");
    }
  }
  if (auto good = check_token_expiration(); !good) return good;
  if (flags_.tls_cert_file.empty() != flags_.tls_private_key_file.empty()) {
    return ApiStatus::bad_request("--tls-cert-file and --tls-private-key-file go together");
  }
  const std::vector<std::string>& modes = flags_.authorization_mode;
  if (flags_.anonymous_auth && std::ranges::find(modes, "AlwaysAllow") != modes.end()) {
    LOG_WARNING("AnonymousAuth is not allowed with the AlwaysAllow authorizer: turned off");
    flags_.anonymous_auth = false;
  }
  if (auto wrong = apiserver::audit::faults(flags_.audit); !wrong.empty()) {
    return ApiStatus::bad_request(wrong.size() == 1 ? wrong.front()
                                                    : "[" + join(wrong, ", ") + "]");
  }
  TIPHYS_TRY(auto, ranges, apiserver::parse_service_ranges(flags_.service_cidr));
  if (flags_.cert_dir.empty()) flags_.cert_dir = flags_.data_dir + "/pki";
  if (flags_.advertise_address.empty()) {
    bool any = flags_.bind_address == "0.0.0.0" || flags_.bind_address == "::";
    flags_.advertise_address = any ? default_address(ranges[0].v6()) : flags_.bind_address;
  }
  // The service `kubernetes` is of the first family, and so must be its endpoint.
  auto advertised = parse_ip(flags_.advertise_address);
  if (advertised && advertised->v6 != ranges[0].v6()) {
    return ApiStatus::bad_request("service IP family " + go_quote(ranges[0].text()) +
                                  " must match public address family " +
                                  go_quote(flags_.advertise_address));
  }
  return {};
}

Result<void> ApiServerProcess::open_store() {
  Result<void> made = os::make_dirs(flags_.data_dir, 0700);
  if (!made) return made.error();
  Result<std::unique_ptr<storage::Store>> store =
      storage::embedded::open(host_.loop(), flags_.data_dir + "/store");
  if (!store) return store.error();
  store_ = std::move(*store);
  return {};
}

Result<void> ApiServerProcess::make_pki() {
  TIPHYS_TRY(auto, ranges, apiserver::parse_service_ranges(flags_.service_cidr));
  crypto::PkiOptions options{.node_name = flags_.node_name,
                             .advertise_addresses = {flags_.advertise_address},
                             .service_ip = canonical_text(ranges[0].at(1))};
  if (options.node_name.empty()) {
    char name[256] = {};
    gethostname(name, sizeof name - 1);
    options.node_name = to_lower(name);
  }
  Result<crypto::Pki> pki = crypto::Pki::ensure(flags_.cert_dir, options, host_.loop());
  if (!pki) return pki.error();
  pki_ = std::move(*pki);
  renewal_ = std::make_unique<crypto::PkiRenewal>(host_.loop(), *pki_);
  return {};
}

Result<void> ApiServerProcess::make_tls() {
  const crypto::PkiPair& own = pki_->pair(crypto::PkiLeaf::kApiserver);
  std::string certificate = own.certificate_pem;
  std::string key = own.key_pem;
  std::string client_ca = pki_->ca_pem();
  if (!flags_.tls_cert_file.empty()) {
    TIPHYS_TRY(std::string, given, os::read_file(flags_.tls_cert_file));
    TIPHYS_TRY(std::string, given_key, os::read_file(flags_.tls_private_key_file));
    certificate = given;
    key = given_key;
  }
  if (!flags_.client_ca_file.empty()) {
    TIPHYS_TRY(std::string, given, os::read_file(flags_.client_ca_file));
    client_ca = given;
  }
  TIPHYS_TRY(std::shared_ptr<crypto::ServerTls>, tls,
             crypto::ServerTls::create(certificate, key, client_ca));
  tls_ = tls;
  if (flags_.tls_cert_file.empty()) {
    renewal_->on_renewed(
        crypto::PkiLeaf::kApiserver, [this, client_ca](const crypto::PkiPair& pair) {
          Result<void> replaced = tls_->replace(pair.certificate_pem, pair.key_pem, client_ca);
          if (!replaced) {
            LOG_ERROR("Serving certificate not replaced", {"err", replaced.error()});
          }
        });
  }
  return {};
}

Result<void> ApiServerProcess::make_server() {
  TIPHYS_TRY(auto, ports, parse_port_range(flags_.node_port_range));
  apiserver::ApiServerOptions options;
  options.service_cidr = flags_.service_cidr;
  options.node_port_first = ports.first;
  options.node_port_last = ports.second;
  options.advertise_address = flags_.advertise_address;
  options.secure_port = static_cast<uint16_t>(flags_.secure_port);
  options.max_requests_in_flight = static_cast<int>(flags_.max_requests_inflight);
  options.max_mutating_requests_in_flight = static_cast<int>(flags_.max_mutating_requests_inflight);
  options.request_timeout = flags_.request_timeout;
  options.min_watch_timeout = std::chrono::seconds(flags_.min_request_timeout);
  server_ = std::make_unique<apiserver::ApiServer>(host_.loop(), host_.pool(), *store_,
                                                   host_.random(), options);
  std::string kubelet_ca;
  if (!flags_.kubelet_certificate_authority.empty()) {
    TIPHYS_TRY(std::string, given, os::read_file(flags_.kubelet_certificate_authority));
    kubelet_ca = given;
  }
  TIPHYS_TRY(std::shared_ptr<crypto::ClientTls>, tls,
             crypto::ClientTls::create(kubelet_client(*pki_, kubelet_ca)));
  TIPHYS_TRY(std::shared_ptr<crypto::ClientTls>, backend_tls,
             crypto::ClientTls::create({.insecure_skip_verify = true}));
  backends_ = std::make_unique<ProxyConnections>(host_.loop(), tls, backend_tls);
  renewal_->on_renewed(crypto::PkiLeaf::kApiserverKubeletClient,
                       [this, kubelet_ca](const crypto::PkiPair&) {
                         backends_->replace(kubelet_client(*pki_, kubelet_ca));
                       });
  server_->set_proxy_connector([this](apiserver::ProxyRequest request, StopToken stop) {
    return backends_->send(std::move(request), std::move(stop));
  });
  return {};
}

Result<void> ApiServerProcess::make_auditor() {
  TIPHYS_TRY(std::shared_ptr<apiserver::audit::Auditor>, auditor,
             apiserver::audit::make_auditor(flags_.audit, host_.loop(), host_.pool(), clock_));
  auditor_ = std::move(auditor);
  server_->set_auditor(auditor_);
  return {};
}

Result<void> ApiServerProcess::make_identity() {
  apiserver::TokenFile token_file;
  if (!flags_.token_auth_file.empty()) {
    TIPHYS_TRY(std::string, csv, os::read_file(flags_.token_auth_file));
    TIPHYS_TRY(apiserver::TokenFile, parsed, apiserver::TokenFile::parse(csv));
    token_file = std::move(parsed);
  }
  apiserver::ServiceAccountOptions options;
  if (!flags_.service_account_issuer.empty()) options.issuers = flags_.service_account_issuer;
  options.api_audiences = flags_.api_audiences;
  options.extend_expiration = flags_.service_account_extend_token_expiration;
  options.max_expiration_seconds =
      std::chrono::duration_cast<std::chrono::seconds>(flags_.service_account_max_token_expiration)
          .count();
  TIPHYS_TRY(crypto::VerificationKey, key,
             crypto::VerificationKey::from_pem(pki_->service_account_key().public_pem()));
  tokens_ = std::make_unique<apiserver::ServiceAccountTokens>(
      options, pki_->service_account_key(), std::vector<crypto::VerificationKey>{key},
      server_->lookup(), host_.loop(), host_.random());
  auto authenticator = std::make_unique<apiserver::RequestAuthenticator>(
      host_.loop(), std::move(token_file), tokens_.get(), tokens_->api_audiences(),
      flags_.anonymous_auth);
  if (flags_.enable_bootstrap_token_auth) {
    authenticator->use_bootstrap_tokens({server_->lookup(), host_.loop()});
  }
  server_->set_authenticator(std::move(authenticator));
  server_->track_tokens(*tokens_);
  server_->set_token_handler(apiserver::make_token_handler(*tokens_, server_->lookup()));
  serve_issuer();
  return {};
}

// OpenID discovery, for those who check our tokens themselves (KEP-1393). Only issuers that are
// https URLs have it.
void ApiServerProcess::serve_issuer() {
  if (!tokens_->issuer().starts_with("https://")) return;
  std::string jwks_uri = flags_.service_account_jwks_uri;
  if (jwks_uri.empty()) jwks_uri = url() + "/openid/v1/jwks";
  server_->serve_document("/.well-known/openid-configuration",
                          {"application/json", tokens_->discovery_json(jwks_uri)});
  server_->serve_document("/openid/v1/jwks", {"application/jwk-set+json", tokens_->jwks_json()});
}

Result<void> ApiServerProcess::make_authorizers() {
  TIPHYS_TRY(apiserver::BootstrapPolicy, policy, apiserver::load_bootstrap_policy());
  TIPHYS_TRY(std::vector<apiserver::AuthorizationMode>, modes,
             apiserver::parse_authorization_modes(join(flags_.authorization_mode, ",")));
  std::vector<apiserver::Authorizer*> chain;
  TIPHYS_TRY(std::unique_ptr<apiserver::Authorizer>, paths,
             apiserver::AllowedPaths::create(flags_.always_allow_paths));
  chain.push_back(paths.get());
  authorizers_.push_back(std::move(paths));
  for (apiserver::AuthorizationMode mode : modes) {
    std::unique_ptr<apiserver::Authorizer> authorizer;
    switch (mode) {
      case apiserver::AuthorizationMode::kAlwaysAllow:
        authorizer = std::make_unique<apiserver::AlwaysAllow>();
        break;
      case apiserver::AuthorizationMode::kAlwaysDeny:
        authorizer = std::make_unique<apiserver::AlwaysDeny>();
        break;
      case apiserver::AuthorizationMode::kNode:
        authorizer = std::make_unique<apiserver::NodeAuthorizer>(
            server_->lookup(), policy.find_cluster_role("system:node"));
        break;
      case apiserver::AuthorizationMode::kRbac:
        authorizer = std::make_unique<apiserver::RbacAuthorizer>(server_->lookup());
        break;
    }
    if (mode == apiserver::AuthorizationMode::kRbac) {
      rbac_ = static_cast<apiserver::RbacAuthorizer*>(authorizer.get());
    }
    chain.push_back(authorizer.get());
    authorizers_.push_back(std::move(authorizer));
  }
  server_->set_authorizer(std::make_unique<apiserver::ModeAuthorizer>(std::move(chain)));
  server_->set_review_handler(
      apiserver::make_review_handler({.authenticator = server_->authenticator(),
                                      .authorizer = server_->authorizer(),
                                      .rbac = rbac_,
                                      .clock = &host_.loop()}));
  return {};
}

Result<void> ApiServerProcess::add_admission() {
  apiserver::AdmissionParts parts{
      .loop = &host_.loop(),
      .lookup = &server_->lookup(),
      .random = &host_.random(),
      .authorizer = server_->authorizer(),
      .rbac = rbac_,
      .write_status = [this](Draft object) { return server_->put_status(std::move(object)); }};
  auto plugins = apiserver::make_admission(parts, flags_.enable_admission_plugins,
                                           flags_.disable_admission_plugins);
  if (!plugins) return plugins.error();
  for (auto& plugin : *plugins) server_->add_admission(std::move(plugin));
  return {};
}

void ApiServerProcess::add_bootstrap() {
  server_->add_bootstrap("rbac/bootstrap-roles", install_bootstrap_policy);
}

Task<Result<void>> ApiServerProcess::start() {
  Result<void> done = check_flags();
  if (done) done = open_store();
  if (done) done = make_pki();
  if (done) done = make_tls();
  if (done) done = make_server();
  if (done) done = make_auditor();
  if (done) done = make_identity();
  if (done) done = make_authorizers();
  if (done) done = add_admission();
  if (!done) co_return done;
  add_bootstrap();
  listener_ = std::make_unique<net::Server>(
      host_.loop(), tls_,
      [this](net::Request request) { return server_->handle(std::move(request)); },
      listener_limits());
  // A taken port is told before anything is written.
  done = listener_->listen(flags_.bind_address, static_cast<uint16_t>(flags_.secure_port));
  if (!done) co_return done;
  Result<void> started = co_await server_->start();
  if (!started) co_return started;
  gate_.spawn(renewal_->run(stop_.token()));
  LOG_INFO("Serving securely", {"address", flags_.bind_address}, {"port", flags_.secure_port});
  co_return Result<void>();
}

Task<void> ApiServerProcess::stop() {
  stop_.request_stop();
  co_await gate_.close();
  if (server_) co_await server_->stop();
  if (listener_) co_await listener_->stop(kStopGrace);
  if (backends_) co_await backends_->stop();
  if (auditor_) co_await auditor_->stop();
  server_.reset();
  if (store_) co_await store_->stop();
}

std::string ApiServerProcess::url() const {
  return "https://" +
         net::join_host_port(flags_.advertise_address, static_cast<uint16_t>(flags_.secure_port));
}

}  // namespace tiphys
