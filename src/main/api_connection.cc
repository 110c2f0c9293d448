#include "main/api_connection.h"

#include <unistd.h>

#include <cstdlib>

#include "base/log.h"
#include "client/lease_lock.h"
#include "main/flags.h"

namespace tiphys {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Result<client::Kubeconfig> find_config(const std::string& kubeconfig, std::string_view master) {
  if (!kubeconfig.empty()) return client::load_kubeconfig(kubeconfig);
  if (!master.empty()) return client::Kubeconfig();
  Result<client::Kubeconfig> pods = client::in_cluster_config(variable("KUBERNETES_SERVICE_HOST"),
                                                              variable("KUBERNETES_SERVICE_PORT"));
  if (!pods) {
    return ApiStatus::bad_request(
        "--kubeconfig is needed: the file that says how to reach the API server and who to be "
        "there; " +
        pods.error().message());
  }
  LOG_INFO("No kubeconfig was given, falling back to in-cluster config", {"server", pods->server});
  return pods;
}

}  // namespace

ApiConnection::ApiConnection(client::Kubeconfig config,
                             std::unique_ptr<client::HttpTransport> transport,
                             std::string component)
    : config_(std::move(config)),
      transport_(std::move(transport)),
      client_(*transport_, std::move(component)) {}

Result<std::unique_ptr<ApiConnection>> ApiConnection::open(Host& host,
                                                           const std::string& kubeconfig,
                                                           std::string component, bool json,
                                                           std::string_view master) {
  TIPHYS_TRY(client::Kubeconfig, config, find_config(kubeconfig, master));
  if (!master.empty()) config.server = master;
  config.json = json;
  TIPHYS_TRY(std::unique_ptr<client::HttpTransport>, transport,
             client::HttpTransport::create(host.loop(), host.pool(), config, component));
  return std::unique_ptr<ApiConnection>(
      new ApiConnection(std::move(config), std::move(transport), std::move(component)));
}

Result<std::unique_ptr<ApiConnection>> ApiConnection::open_other(Host& host,
                                                                 const std::string& kubeconfig,
                                                                 std::string component) {
  if (kubeconfig.empty()) return std::unique_ptr<ApiConnection>();
  return open(host, kubeconfig, std::move(component));
}

Task<void> ApiConnection::stop() { return transport_->stop(); }

void LeaderElectionFlags::add_to(FlagSet& flags) {
  flags.add("leader-elect", leader_elect, "Act only while holding a Lease");
  flags.add("leader-elect-lease-duration", lease_duration,
            "How long others wait for a silent leader");
  flags.add("leader-elect-renew-deadline", renew_deadline, "How long the leader tries to renew");
  flags.add("leader-elect-retry-period", retry_period, "Time between tries");
  flags.add("leader-elect-resource-namespace", resource_namespace, "Namespace of the Lease");
  flags.add("leader-elect-resource-name", resource_name, "Name of the Lease");
}

Task<Result<void>> run_elected(Host& host, client::Client& client, LeaderElectionFlags flags,
                               std::function<void()> start, std::function<Task<void>()> stop) {
  std::unique_ptr<client::LeaseLock> lock;
  if (flags.leader_elect) {
    char name[256] = {};
    gethostname(name, sizeof name - 1);
    client::LeaseLock::Options options{.ns = flags.resource_namespace,
                                       .name = flags.resource_name,
                                       .identity = std::string(name) + "_" + host.random().uuid(),
                                       .lease_duration = flags.lease_duration,
                                       .renew_deadline = flags.renew_deadline,
                                       .retry_period = flags.retry_period};
    if (Result<void> valid = options.check(); !valid) co_return valid.error();
    lock = std::make_unique<client::LeaseLock>(host.loop(), client, std::move(options));
    bool held = co_await lock->acquire(host.stop());
    if (!held) co_return Result<void>();
    lock->on_lost([&host] { host.fail(ApiStatus::internal("leaderelection lost")); });
  }
  start();
  co_await host.wait_for_stop();
  co_await stop();
  if (lock) co_await lock->release();
  co_return Result<void>();
}

Gauge& leader_gauge(MetricRegistry& metrics, const std::string& name) {
  return metrics
      .gauge("leader_election_master_status",
             "Gauge of if the reporting system is master of the relevant lease, 0 indicates "
             "backup, 1 indicates master. 'name' is the string used to identify the lease. Please "
             "make sure to group by name.",
             {"name"})
      .with({name});
}

}  // namespace tiphys
