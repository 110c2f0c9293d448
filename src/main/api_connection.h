// ApiConnection: how a component that runs alone reaches its API server over TLS: by a kubeconfig,
// or, without one, as pods do (client-go's in-cluster config).
#pragma once
#include <memory>
#include <string>

#include "base/metrics.h"
#include "client/client.h"
#include "client/http_transport.h"
#include "main/host.h"

namespace tiphys {

class ApiConnection {
 public:
  // json: objects travel as JSON (--kube-api-content-type). master: another address than the
  // kubeconfig's; with it there need not be one. Errors: the kubeconfig can't be read or used, or
  // there is none and this is no pod.
  static Result<std::unique_ptr<ApiConnection>> open(Host& host, const std::string& kubeconfig,
                                                     std::string component, bool json = false,
                                                     std::string_view master = "");
  // Null if no kubeconfig is named (--authentication-kubeconfig ""): the main one does.
  static Result<std::unique_ptr<ApiConnection>> open_other(Host& host,
                                                           const std::string& kubeconfig,
                                                           std::string component);
  client::Client& client() { return client_; }
  client::HttpTransport& transport() { return *transport_; }
  const client::Kubeconfig& config() const { return config_; }
  Task<void> stop();

 private:
  ApiConnection(client::Kubeconfig config, std::unique_ptr<client::HttpTransport> transport,
                std::string component);
  client::Kubeconfig config_;
  std::unique_ptr<client::HttpTransport> transport_;
  client::Client client_;
};

// Flags of every component that elects a leader. Off: it acts at once.
class FlagSet;
struct LeaderElectionFlags {
  bool leader_elect = true;
  Duration lease_duration = std::chrono::seconds(15);
  Duration renew_deadline = std::chrono::seconds(10);
  Duration retry_period = std::chrono::seconds(2);
  std::string resource_namespace = "kube-system";
  std::string resource_name;
  void add_to(FlagSet& flags);
};

// leader_election_master_status of a lease: 1 while this process holds it.
Gauge& leader_gauge(MetricRegistry& metrics, const std::string& name);

// Runs start() once the lease is held (at once without election), waits for the host's stop, then
// runs stop(). Losing the lease fails the host, as upstream: the process ends and starts anew.
Task<Result<void>> run_elected(Host& host, client::Client& client, LeaderElectionFlags flags,
                               std::function<void()> start, std::function<Task<void>()> stop);

}  // namespace tiphys
