#include "dns/cluster_dns.h"

#include "main/api_connection.h"
#include "main/command.h"
#include "main/flags.h"
#include "main/logging_flags.h"

namespace tiphys {
namespace {

struct Flags {
  std::string kubeconfig;
  int64_t port = 53;
  int64_t metrics_port = 9153;
  dns::ClusterDns::Options dns;
};

Task<Result<void>> serve(Host& host, Flags flags) {
  if (flags.dns.node_name.empty() && flags.dns.addresses.empty()) {
    co_return ApiStatus::bad_request("--address or --node-name is needed");
  }
  for (int64_t port : {flags.port, flags.metrics_port}) {
    if (port >= 0 && port <= UINT16_MAX) continue;
    co_return ApiStatus::bad_request("--port and --metrics-port must be between 0 and 65535");
  }
  flags.dns.port = static_cast<uint16_t>(flags.port);
  flags.dns.metrics_port = static_cast<uint16_t>(flags.metrics_port);
  auto connection = ApiConnection::open(host, flags.kubeconfig, "dns");
  if (!connection) co_return connection.error();
  auto dns = dns::ClusterDns::create(host.loop(), host.pool(), (*connection)->client(),
                                     host.random(), flags.dns);
  if (!dns) co_return dns.error();
  (*dns)->start();
  co_await host.wait_for_stop();
  co_await (*dns)->stop();
  dns->reset();
  co_await (*connection)->stop();
  co_return Result<void>();
}

}  // namespace

int run_dns(const std::vector<std::string>& arguments) {
  Flags flags;
  LoggingFlags logging;
  FlagSet set;
  set.add("kubeconfig", flags.kubeconfig,
          "How to reach the API server, and as whom (\"\": as a pod does)");
  set.add("node-name", flags.dns.node_name,
          "Node whose pod range is listened in, and which announces it (\"\": none)");
  set.add("address", flags.dns.addresses, "Addresses to listen on, instead of the pod range's");
  set.add("port", flags.port, "Port to listen on");
  set.add("metrics-port", flags.metrics_port,
          "Port of /metrics, /health and /ready, over HTTP, on the same addresses (0: none)");
  set.add("cluster-domain", flags.dns.domain, "Domain of this cluster");
  set.add("cluster-cidr", flags.dns.cluster_cidrs, "Ranges of the cluster's pods");
  set.add("cluster-dns", flags.dns.own_addresses, "Addresses of the cluster's DNS Service");
  set.add("resolv-conf", flags.dns.resolv_conf,
          "File with the name servers of all other names (\"\": there are none)");
  logging.add_to(set);
  if (auto code = parse_or_exit("dns", "The cluster's name server alone.", set, arguments)) {
    return *code;
  }
  logging.apply();
  Host host;
  return host.run([&flags](Host& running) { return serve(running, flags); });
}

}  // namespace tiphys
