// ProxyStatus: what a kube-proxy serves, alone or in a whole node, without TLS: /healthz and /livez
// for load balancers, and /metrics, /metrics/slis, /configz, /proxyMode and /healthz for the node
// itself, by default on loopback. Paths and answers are upstream's. Loop thread only.
//
// A port that is taken is tried again, with an event on the Node; with bindAddressHardFail the
// process ends, as upstream.
#pragma once
#include "main/host.h"
#include "net/health_checks.h"
#include "net/plain_server.h"
#include "proxy/config/configuration.h"
#include "proxy/proxier.h"

namespace tiphys {

class ProxyStatus {
 public:
  // All outlive it. The configuration is valid.
  ProxyStatus(Host& host, proxy::Proxier& proxier, const proxy::Configuration& config);
  // On the configuration's addresses.
  void serve_healthz();
  void serve_metrics();
  // Before the Proxier's own stop(), which writes the last events.
  Task<void> stop();

 private:
  Task<net::Response> health(net::Request request);
  Task<net::Response> metrics(net::Request request);
  void on_failure(std::string_view reason, const std::string& message);

  Host& host_;
  proxy::Proxier& proxier_;
  const proxy::Configuration& config_;
  net::HealthChecks checks_;
  net::PlainServer health_;
  net::PlainServer metrics_;
};

}  // namespace tiphys
