#include "controllers/controller_manager.h"
#include "main/api_connection.h"
#include "main/command.h"
#include "main/flags.h"
#include "main/logging_flags.h"
#include "os/files.h"

namespace tiphys {
namespace {

struct Flags {
  std::string kubeconfig;
  std::string root_ca_file;
  int64_t node_cidr_mask_size = 24;
  controllers::ControllerManager::Options options;
  LeaderElectionFlags election{.resource_name = "kube-controller-manager"};
};

Task<Result<void>> serve(Host& host, Flags flags) {
  auto connection = ApiConnection::open(host, flags.kubeconfig, "kube-controller-manager");
  if (!connection) co_return connection.error();
  client::Client& client = (*connection)->client();
  flags.options.node_cidr_mask_size = static_cast<int>(flags.node_cidr_mask_size);
  // The CA of the connection is what pods need too, unless another is named.
  flags.options.root_ca_pem = (*connection)->config().tls.ca_pem;
  if (!flags.root_ca_file.empty()) {
    Result<std::string> pem = os::read_file(flags.root_ca_file);
    if (!pem) co_return pem.error();
    flags.options.root_ca_pem = *pem;
  }
  auto manager =
      controllers::ControllerManager::create(host.loop(), client, host.random(), flags.options);
  if (!manager) co_return manager.error();
  controllers::ControllerManager* running = manager->get();
  Result<void> result = co_await run_elected(
      host, client, flags.election, [running] { running->start(); },
      [running] { return running->stop(); });
  manager->reset();
  co_await (*connection)->stop();
  co_return result;
}

}  // namespace

int run_kube_controller_manager(const std::vector<std::string>& arguments) {
  Flags flags;
  LoggingFlags logging;
  FlagSet set;
  set.add("kubeconfig", flags.kubeconfig, "How to reach the API server, and as whom");
  set.add("root-ca-file", flags.root_ca_file, "CA that pods are given (\"\": the kubeconfig's)");
  set.add("cluster-cidr", flags.options.cluster_cidr, "Range of the cluster's pods");
  set.add("node-cidr-mask-size", flags.node_cidr_mask_size, "Bits of a node's share of it");
  set.add("allocate-node-cidrs", flags.options.allocate_node_cidrs, "Give nodes pod ranges");
  set.add("node-monitor-grace-period", flags.options.node_lifecycle.grace_period,
          "How long a node may be silent before it is unhealthy");
  set.add("node-startup-grace-period", flags.options.node_lifecycle.startup_grace,
          "The same for a node that starts");
  flags.election.add_to(set);
  logging.add_to(set);
  if (auto code =
          parse_or_exit("kube-controller-manager", "The controllers alone.", set, arguments)) {
    return *code;
  }
  logging.apply();
  Host host;
  return host.run([&flags](Host& running) { return serve(running, flags); });
}

}  // namespace tiphys
