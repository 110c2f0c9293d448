// ComponentServer: what a component that runs alone serves over TLS: /healthz, /livez, /readyz,
// /metrics, /metrics/slis and, if it has one, its configuration at /configz. CallerAccess says who
// may see paths beyond --authorization-always-allow-paths.
//
// Loop thread only.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "crypto/tls.h"
#include "main/caller_access.h"
#include "main/host.h"
#include "main/request_header.h"
#include "net/health_checks.h"
#include "net/server.h"

namespace tiphys {

struct ServingFlags {
  std::string bind_address = "0.0.0.0";
  int64_t secure_port = 0;  // 0: nothing is served
  std::string tls_cert_file;
  std::string tls_private_key_file;
  crypto::ServerTls::Settings tls;
  std::string client_ca_file;
  RequestHeaderFlags request_header;
  std::vector<std::string> always_allow_paths = {"/healthz", "/readyz", "/livez"};
  // How long verdicts are remembered.
  Duration token_ttl = std::chrono::seconds(10);
  Duration authorized_ttl = std::chrono::seconds(10);
  Duration unauthorized_ttl = std::chrono::seconds(10);
  void add_to(FlagSet& flags);
};

class ComponentServer {
 public:
  // `metrics` gives the text of /metrics, without what every component has. The client outlives it.
  ComponentServer(Host& host, client::Client& client, ServingFlags flags,
                  std::function<std::string()> metrics);
  ~ComponentServer();  // Requires: stop() finished, or start() failed or was never called
  // Each root has one check, ping, until it is given others.
  net::HealthChecks& health() { return health_; }
  // What /configz answers, JSON. Before start().
  void show_config(std::function<std::string()> config) { config_ = std::move(config); }
  // Other clients for TokenReviews and SubjectAccessReviews. Before start(); they outlive it.
  void judge_by(client::Client& authentication, client::Client& authorization) {
    authentication_ = &authentication;
    authorization_ = &authorization;
  }
  // Errors: files that can't be used, a port that is taken.
  Result<void> start();
  Task<void> stop();

 private:
  Result<void> make_tls();
  Task<net::Response> handle(net::Request request);

  Host& host_;
  client::Client* authentication_;
  client::Client* authorization_;
  CallerAccess::Options callers_;
  std::optional<CallerAccess> access_;
  ServingFlags flags_;
  net::HealthChecks health_;
  std::function<std::string()> metrics_;
  std::function<std::string()> config_;
  std::shared_ptr<crypto::ServerTls> tls_;
  std::unique_ptr<net::Server> server_;
};

}  // namespace tiphys
