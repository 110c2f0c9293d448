#include "kubelet/options.h"
#include "main/api_connection.h"
#include "main/command.h"
#include "main/flags.h"
#include "main/logging_flags.h"
#include "main/node_name.h"
#include "main/proxy_settings.h"
#include "proxy/proxier.h"

namespace tiphys {
namespace {

struct Flags {
  std::string kubeconfig;
  std::string hostname_override;
  std::string bridge_name = kubelet::Options().bridge_name;
  std::vector<std::string> cluster_cidr;
  std::vector<std::string> nodeport_addresses;
  std::string proxy_mode = "nftables";
  bool masquerade_all = false;
  bool cleanup = false;
};

Result<proxy::Proxier::Options> options_of(const Flags& flags) {
  proxy::Proxier::Options options;
  options.node_name = node_name(flags.hostname_override);
  if (flags.proxy_mode == "iptables") {
    options.mode = proxy::Mode::kIptables;
  } else if (flags.proxy_mode != "nftables") {
    return ApiStatus::bad_request("--proxy-mode: must be iptables or nftables");
  }
  options.settings = proxy_settings(flags.bridge_name);
  options.settings.masquerade_all = flags.masquerade_all;
  for (const std::string& text : flags.cluster_cidr) {
    auto range = proxy::Cidr::parse(text);
    if (!range) return ApiStatus::bad_request("--cluster-cidr: invalid CIDR address: " + text);
    options.settings.cluster_cidrs.push_back(*range);
  }
  for (const std::string& text : flags.nodeport_addresses) {
    auto range = proxy::Cidr::parse(text);
    if (!range)
      return ApiStatus::bad_request("--nodeport-addresses: invalid CIDR address: " + text);
    options.settings.node_port_cidrs.push_back(*range);
  }
  return options;
}

Task<Result<void>> serve(Host& host, Flags flags) {
  Result<proxy::Proxier::Options> options = options_of(flags);
  if (!options) co_return options.error();
  if (flags.cleanup) {
    Result<void> tables = proxy::cleanup(options->settings, proxy::Mode::kNftables);
    Result<void> chains = proxy::cleanup(options->settings, proxy::Mode::kIptables);
    co_return tables ? chains : tables;
  }
  auto connection = ApiConnection::open(host, flags.kubeconfig, "kube-proxy");
  if (!connection) co_return connection.error();
  auto proxier = std::make_unique<proxy::Proxier>(host.loop(), host.pool(), (*connection)->client(),
                                                  host.random(), *options);
  proxier->start();
  co_await host.wait_for_stop();
  co_await proxier->stop();
  proxier.reset();
  co_await (*connection)->stop();
  co_return Result<void>();
}

}  // namespace

int run_kube_proxy(const std::vector<std::string>& arguments) {
  Flags flags;
  LoggingFlags logging;
  FlagSet set;
  set.add("kubeconfig", flags.kubeconfig, "How to reach the API server, and as whom");
  set.add("hostname-override", flags.hostname_override, "Name of this node (\"\": the host's)");
  set.add("bridge-name", flags.bridge_name,
          "Bridge of the pod network; the nftables table is named after it");
  set.add("cluster-cidr", flags.cluster_cidr, "Ranges of the cluster's pods");
  set.add("nodeport-addresses", flags.nodeport_addresses,
          "Ranges of the node's addresses that serve node ports (none: all but loopback)");
  set.add("proxy-mode", flags.proxy_mode, "nftables or iptables");
  set.add("masquerade-all", flags.masquerade_all, "Masquerade all traffic to cluster addresses");
  set.add("cleanup", flags.cleanup, "Remove the rules of both modes and quit");
  logging.add_to(set);
  if (auto code = parse_or_exit("kube-proxy", "The service proxy alone.", set, arguments)) {
    return *code;
  }
  logging.apply();
  Host host;
  return host.run([&flags](Host& running) { return serve(running, flags); });
}

}  // namespace tiphys
