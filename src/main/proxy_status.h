// ProxyStatus: what a kube-proxy that runs alone serves, without TLS: /healthz and /livez for load
// balancers, and /metrics, /metrics/slis, /configz, /proxyMode and /healthz for the node itself, by
// default on loopback. Paths and answers are upstream's. Loop thread only.
#pragma once
#include <memory>

#include "main/host.h"
#include "net/health_checks.h"
#include "net/server.h"
#include "proxy/config/configuration.h"
#include "proxy/proxier.h"

namespace tiphys {

class ProxyStatus {
 public:
  // Both outlive it.
  ProxyStatus(Host& host, proxy::Proxier& proxier, const proxy::Configuration& config);
  ~ProxyStatus();  // Requires: stop() finished, or nothing was served
  // On the configuration's address. Error: it can't be had.
  Result<void> serve_healthz();
  Result<void> serve_metrics();
  Task<void> stop();

 private:
  Task<net::Response> health(net::Request request);
  Task<net::Response> metrics(net::Request request);

  Host& host_;
  proxy::Proxier& proxier_;
  const proxy::Configuration& config_;
  net::HealthChecks checks_;
  std::unique_ptr<net::Server> health_;
  std::unique_ptr<net::Server> metrics_;
};

}  // namespace tiphys
