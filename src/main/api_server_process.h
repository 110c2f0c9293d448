// ApiServerProcess: a whole kube-apiserver: store, certificates, identity, API server and the TLS
// listener, wired and stopped in order. Used by `tiphys kube-apiserver` and `tiphys server`.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "apiserver/api_server.h"
#include "apiserver/audit/options.h"
#include "apiserver/authn/service_account_tokens.h"
#include "apiserver/authz/rbac.h"
#include "crypto/pki.h"
#include "crypto/pki_renewal.h"
#include "main/flags.h"
#include "main/host.h"
#include "main/proxy_connections.h"
#include "net/server.h"
#include "storage/store.h"

namespace tiphys {

// Flags of the API server, under upstream's names.
struct ApiServerFlags {
  std::string data_dir = "/var/lib/tiphys";
  std::string cert_dir;  // "": <data-dir>/pki
  std::string bind_address = "0.0.0.0";
  std::string advertise_address;  // "": of the default route, of the service range's family
  int64_t secure_port = 6443;
  std::string service_cidr = "10.43.0.0/16";  // or two, of both families
  std::string node_port_range = "30000-32767";
  std::vector<std::string> authorization_mode = {"Node", "RBAC"};
  std::vector<std::string> always_allow_paths = {"/healthz", "/readyz", "/livez"};
  std::string token_auth_file;
  std::string client_ca_file;
  std::string tls_cert_file;
  std::string tls_private_key_file;
  std::string kubelet_certificate_authority;
  std::vector<std::string> enable_admission_plugins;
  std::vector<std::string> disable_admission_plugins;
  std::vector<std::string> etcd_servers;
  std::vector<std::string> service_account_issuer;
  std::string service_account_jwks_uri;
  bool service_account_extend_token_expiration = true;
  Duration service_account_max_token_expiration{0};  // 0: no limit
  std::vector<std::string> api_audiences;
  int64_t max_requests_inflight = 400;
  int64_t max_mutating_requests_inflight = 200;
  Duration request_timeout = std::chrono::minutes(1);
  int64_t min_request_timeout = 1800;  // seconds
  bool enable_bootstrap_token_auth = false;
  bool anonymous_auth = true;
  bool allow_privileged = true;
  apiserver::audit::Options audit;
  std::string node_name;  // of the kubelet certificates that are made along (not a flag here)

  void add_to(FlagSet& flags);
};

class ApiServerProcess {
 public:
  ApiServerProcess(Host& host, ApiServerFlags flags);
  ~ApiServerProcess();  // Requires: stop() finished, or never started
  // Listens when everything is loaded. Errors say what to change.
  Task<Result<void>> start();
  Task<void> stop();

  apiserver::ApiServer& server() { return *server_; }
  crypto::Pki& pki() { return *pki_; }
  crypto::PkiRenewal& renewal() { return *renewal_; }
  const std::string& advertise_address() const { return flags_.advertise_address; }
  std::string url() const;  // of the listener, on the advertised address

 private:
  Result<void> check_flags();
  Result<void> check_token_expiration() const;
  Result<void> open_store();
  Result<void> make_pki();
  Result<void> make_tls();
  Result<void> make_identity();
  void serve_issuer();
  Result<void> make_server();
  Result<void> make_auditor();
  Result<void> make_authorizers();
  Result<void> add_admission();
  void add_bootstrap();

  Host& host_;
  ApiServerFlags flags_;
  Gate gate_;
  StopSource stop_;
  std::unique_ptr<storage::Store> store_;
  std::optional<crypto::Pki> pki_;
  std::unique_ptr<crypto::PkiRenewal> renewal_;
  std::shared_ptr<crypto::ServerTls> tls_;
  std::unique_ptr<ProxyConnections> backends_;
  SystemClock clock_;                                   // of the audit log's files
  std::shared_ptr<apiserver::audit::Auditor> auditor_;  // may be null
  std::unique_ptr<apiserver::ApiServer> server_;
  std::unique_ptr<apiserver::ServiceAccountTokens> tokens_;
  std::vector<std::unique_ptr<apiserver::Authorizer>> authorizers_;
  apiserver::RbacAuthorizer* rbac_ = nullptr;  // one of them, or null
  std::unique_ptr<net::Server> listener_;
};

}  // namespace tiphys
