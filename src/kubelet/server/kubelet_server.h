// KubeletServer: the node's HTTPS endpoint (:10250): logs, pods, usage, metrics, health.
//
// Loop thread only. Every request passes RequestAccess first.
#pragma once
#include <memory>
#include <string>

#include "async/pool.h"
#include "kubelet/options.h"
#include "kubelet/pods/pod_manager.h"
#include "kubelet/server/container_logs.h"
#include "kubelet/server/request_access.h"
#include "kubelet/server/streaming.h"
#include "kubelet/stats/usage_reader.h"
#include "net/server.h"

namespace tiphys::kubelet {

class KubeletServer {
 public:
  KubeletServer(EpollLoop& loop, WorkerPool& pool, client::Client& client, Runtime& runtime,
                PodManager& pods, UsageReader& usage, const Options& options);
  // Errors: the port is taken; the certificate can't be read.
  Result<void> start();
  uint16_t port() const;
  Task<void> stop();
  // New certificates, without a restart.
  Result<void> replace_certificate(std::string certificate_pem, std::string key_pem);

 private:
  Task<net::Response> handle(net::Request request);
  // Requires: the caller may.
  Task<net::Response> route(net::Request request);
  Task<net::Response> resource_metrics();
  Task<net::Response> stats_summary(std::string query);
  net::Response list_pods() const;

  EpollLoop& loop_;
  PodManager& pods_;
  UsageReader& usage_;
  const Options& options_;
  ContainerLogs logs_;
  Streaming streaming_;
  std::unique_ptr<RequestAccess> access_;
  std::shared_ptr<crypto::ServerTls> tls_;
  std::unique_ptr<net::Server> server_;
};

}  // namespace tiphys::kubelet
