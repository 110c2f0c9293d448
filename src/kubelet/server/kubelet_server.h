// KubeletServer: the node's HTTPS endpoint (:10250): logs, pods, usage, metrics, health; and,
// without TLS, /healthz (:10248) and the read-only port.
//
// Loop thread only. Every request over TLS passes RequestAccess first.
#pragma once
#include <memory>
#include <string>

#include "async/pool.h"
#include "kubelet/certificates/certificate_pair.h"
#include "kubelet/options.h"
#include "kubelet/pods/pod_manager.h"
#include "kubelet/server/container_checkpoints.h"
#include "kubelet/server/container_logs.h"
#include "kubelet/server/request_access.h"
#include "kubelet/server/routes.h"
#include "kubelet/server/streaming.h"
#include "kubelet/server/system_logs.h"
#include "kubelet/server/tls_files.h"
#include "kubelet/stats/usage_reader.h"
#include "net/health_checks.h"
#include "net/plain_server.h"
#include "net/server.h"

namespace tiphys::kubelet {

class KubeletServer {
 public:
  KubeletServer(EpollLoop& loop, WorkerPool& pool, client::Client& client, Runtime& runtime,
                PodManager& pods, UsageReader& usage, KubeletMetrics& metrics,
                const Options& options);
  // Errors: the port is taken; the certificate can't be read.
  Result<void> start();
  uint16_t port() const;
  Task<void> stop();
  // New certificates, without a restart.
  Result<void> replace_certificate(std::string certificate_pem, std::string key_pem);

 private:
  Result<void> start_secure();
  void follow_files();
  void files_changed(const TlsFiles::Contents& now);
  // Serves with both, or with neither.
  Result<void> serve_with(CertificatePair pair, std::string client_ca_pem);
  Task<net::Response> handle(net::Request request);
  Task<net::Response> handle_read_only(net::Request request);
  // Requires: the caller may, or anyone may read.
  Task<net::Response> route(net::Request request, bool read_only);
  Task<net::Response> route_to_container(net::Request request, Routed to);
  Task<net::Response> health(net::Request request);
  Task<net::Response> metrics(net::Request request);
  std::string own_metrics() const;
  Task<net::Response> stats_summary(std::string query);
  net::Response configz() const;

  EpollLoop& loop_;
  PodManager& pods_;
  UsageReader& usage_;
  KubeletMetrics& metrics_;
  const Options& options_;
  net::HealthChecks health_;
  ContainerLogs logs_;
  Streaming streaming_;
  SystemLogs system_logs_;
  ContainerCheckpoints checkpoints_;
  std::unique_ptr<RequestAccess> access_;
  std::shared_ptr<crypto::ServerTls> tls_;
  CertificatePair serving_;  // with what tls_ serves
  std::string client_ca_pem_;
  TlsFiles files_;
  std::unique_ptr<net::Server> server_;
  net::PlainServer healthz_;
  net::PlainServer read_only_;
};

}  // namespace tiphys::kubelet
