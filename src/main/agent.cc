#include "base/log.h"
#include "base/strings.h"
#include "dns/cluster_dns.h"
#include "kubelet/kubelet.h"
#include "main/agent_config.h"
#include "main/command.h"
#include "main/dns_options.h"
#include "main/join.h"
#include "main/kubelet_flags.h"
#include "main/logging_flags.h"
#include "main/node_connection.h"
#include "main/node_proxy.h"
#include "main/pod_check.h"
#include "os/interfaces.h"

namespace tiphys {
namespace {

struct Flags {
  JoinFlags join;
  KubeletFlags kubelet;
  NodeProxyFlags proxy;
  bool cluster_cidr_given = false;
};

// The machine's address of each family that pods have.
std::string node_addresses(const std::string& cluster_cidr) {
  std::vector<std::string> found;
  for (std::string_view range : split(cluster_cidr, ',')) {
    bool v6 = range.find(':') != range.npos;
    std::string one = os::primary_address(v6 ? os::Family::kIpv6 : os::Family::kIpv4);
    if (!one.empty()) found.push_back(std::move(one));
  }
  return join(found, ",");
}

// What the cluster tells, and by it which addresses of this machine count.
Task<Result<void>> agree_with_cluster(Host& host, client::Client& client, const Flags& flags,
                                      kubelet::Configuration& configuration,
                                      kubelet::Options& options) {
  auto view = configuration.view();
  bool all_given =
      flags.cluster_cidr_given && !view.cluster_dns().empty() && view.has_cluster_domain();
  // Who gave a kubeconfig has set up the node by hand.
  bool optional = all_given || !flags.join.asked();
  Result<ClusterConfig> cluster = co_await read_cluster_config(
      host, client, options.data_dir, flags.join.discovery_timeout, optional);
  if (!cluster) co_return cluster.error();
  for (const std::string& one :
       apply_cluster_config(*cluster, flags.cluster_cidr_given, configuration, options)) {
    LOG_WARNING("This node was given another configuration than its cluster has", {"what", one});
  }
  if (options.node_ip.empty()) options.node_ip = node_addresses(options.cluster_cidr);
  co_return Result<void>();
}

Task<Result<void>> serve(Host& host, Flags flags) {
  if (Result<void> good = flags.proxy.check(); !good) co_return good;
  Result<kubelet::Configuration> configuration = flags.kubelet.configuration();
  if (!configuration) co_return configuration.error();
  Result<kubelet::Options> options = flags.kubelet.resolve(*configuration);
  if (!options) co_return options.error();
  if (flags.join.asked()) {
    Result<void> joined =
        co_await join_cluster(host, flags.join, flags.kubelet, options->node_name);
    if (joined) joined = use_joined_defaults(flags.kubelet, *options);
    if (!joined && host.stop().stop_requested()) co_return Result<void>();
    if (!joined) co_return joined;
  }
  options->check_pod = check_new_pod;
  auto connection = co_await NodeConnection::open(host, flags.kubelet, *options, false);
  if (!connection) co_return connection.error();
  if (!*connection) co_return Result<void>();  // stopped before there was one
  if (flags.join.asked()) forget_token(flags.kubelet);
  client::Client& client = (*connection)->client();
  Result<void> agreed = co_await agree_with_cluster(host, client, flags, *configuration, *options);
  if (!agreed) {
    co_await (*connection)->stop();
    if (host.stop().stop_requested()) co_return Result<void>();
    co_return agreed;
  }
  auto node =
      std::make_unique<kubelet::Kubelet>(host.loop(), host.pool(), client, host.random(), *options);
  auto proxy = NodeProxy::create(host, client, flags.proxy, options->node_name,
                                 options->bridge_name, options->cluster_cidr);
  auto dns = dns::ClusterDns::create(host.loop(), host.pool(), client, host.random(),
                                     dns_options(*options));
  Result<void> started;
  if (!proxy) started = proxy.error();
  if (!dns) started = dns.error();
  if (started) started = node->start();
  if (started) {
    node->add_metrics([&dns] { return (*dns)->metrics_text(); });
    node->add_metrics([&proxy] { return (*proxy)->metrics_text(); });
    (*proxy)->start();
    (*dns)->start();
    co_await host.wait_for_stop();
    co_await (*dns)->stop();
    co_await (*proxy)->stop();
  }
  co_await node->stop();
  if (dns) dns->reset();
  if (proxy) proxy->reset();
  node.reset();
  co_await (*connection)->stop();
  co_return started;
}

}  // namespace

int run_agent(const std::vector<std::string>& arguments) {
  Flags flags;
  LoggingFlags logging;
  FlagSet set;
  flags.join.add_to(set);
  flags.kubelet.options.node_routes = true;
  flags.kubelet.add_alone_to(set);
  flags.proxy.add_to(set);
  logging.add_to(set);
  if (auto code = parse_or_exit("agent", "A worker node: kubelet, service proxy and DNS.", set,
                                arguments)) {
    return *code;
  }
  logging.apply();
  flags.cluster_cidr_given = set.was_set("cluster-cidr");
  Host host;
  return host.run([&flags](Host& running) { return serve(running, flags); });
}

}  // namespace tiphys
