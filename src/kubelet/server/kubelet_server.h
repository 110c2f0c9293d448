// KubeletServer: the node's HTTPS endpoint (:10250): logs, /pods, usage, /healthz.
//
// Loop thread only. Callers show a client certificate of the cluster's CA whose common name is the
// API server's, or whose organization is an administrators' group; anonymous is refused (401), any
// other certificate too (403). exec, attach and port-forward answer 501 for now.
#pragma once
#include <memory>
#include <string>

#include "async/pool.h"
#include "kubelet/options.h"
#include "kubelet/pods/pod_manager.h"
#include "kubelet/server/log_reader.h"
#include "kubelet/stats/usage_reader.h"
#include "net/server.h"

namespace tiphys::kubelet {

class KubeletServer {
 public:
  KubeletServer(EpollLoop& loop, WorkerPool& pool, PodManager& pods, UsageReader& usage,
                const Options& options);
  // Errors: the port is taken; the certificate can't be read.
  Result<void> start();
  uint16_t port() const;
  Task<void> stop();
  // New certificates, without a restart.
  Result<void> replace_certificate(std::string certificate_pem, std::string key_pem);

 private:
  Task<net::Response> handle(net::Request request);
  Task<net::Response> container_logs(net::Request request, std::string ns, std::string pod,
                                     std::string container);
  Task<net::Response> resource_metrics();
  Task<net::Response> stats_summary(std::string query);
  std::optional<net::Response> authorize(const net::Request& request) const;
  net::Response list_pods() const;
  Result<void> load_certificate();
  bool is_running(const std::string& ns, const std::string& pod, const std::string& id) const;
  friend class LogStream;

  EpollLoop& loop_;
  WorkerPool& pool_;
  PodManager& pods_;
  UsageReader& usage_;
  const Options& options_;
  std::string certificate_;
  std::string key_;
  std::shared_ptr<crypto::ServerTls> tls_;
  std::unique_ptr<net::Server> server_;
};

}  // namespace tiphys::kubelet
