#include "main/node_proxy.h"

#include "base/strings.h"
#include "codec/codec.h"
#include "main/proxy_settings.h"
#include "proxy/config/configuration_options.h"

namespace tiphys {
namespace {

constexpr std::string_view kNodeDefaults =
    R"("nodePortAddresses":["0.0.0.0/0","::/0"],)"
    R"("iptables":{"syncPeriod":"15s"},"nftables":{"syncPeriod":"15s"})";

}  // namespace

void NodeProxyFlags::add_to(FlagSet& flags) {
  flags.add(
      "proxy-mode", mode,
      "How Services are brought into the kernel: nftables or iptables (one cluster a machine)");
}

Result<void> NodeProxyFlags::check() const {
  if (mode == "nftables" || mode == "iptables") return {};
  std::string why = mode == "ipvs"
                        ? "is not supported by this kube-proxy: nftables and iptables are"
                        : "must be nftables or iptables";
  return ApiStatus::bad_request("--proxy-mode: " + go_quote(mode) + " " + why);
}

Result<proxy::Configuration> NodeProxyFlags::configuration(const std::string& node_name,
                                                           const std::string& cluster_cidr) const {
  std::string first = cluster_cidr.substr(0, cluster_cidr.find(','));
  bool v6 = first.find(':') != std::string::npos;
  std::string overlay = "{" + std::string(kNodeDefaults);
  for (auto [field, value] : {std::pair<const char*, std::string>{"hostnameOverride", node_name},
                              {"mode", mode},
                              {"clusterCIDR", cluster_cidr},
                              {"bindAddress", v6 ? "::" : "0.0.0.0"}}) {
    overlay += ",\"" + std::string(field) + "\":";
    codec::append_json_string(value, overlay);
  }
  return proxy::Configuration::parse("", overlay + "}");
}

Result<std::unique_ptr<NodeProxy>> NodeProxy::create(Host& host, client::Client& client,
                                                     const NodeProxyFlags& flags,
                                                     const std::string& node_name,
                                                     std::string_view bridge_name,
                                                     const std::string& cluster_cidr) {
  TIPHYS_TRY(proxy::Configuration, config, flags.configuration(node_name, cluster_cidr));
  proxy::Proxier::Options base;
  base.node_name = node_name;
  base.settings = proxy_settings(bridge_name);
  TIPHYS_TRY(proxy::Proxier::Options, options, proxy::proxier_options(config, base));
  return std::unique_ptr<NodeProxy>(
      new NodeProxy(host, client, std::move(config), std::move(options)));
}

NodeProxy::NodeProxy(Host& host, client::Client& client, proxy::Configuration config,
                     proxy::Proxier::Options options)
    : config_(std::move(config)),
      proxier_(host.loop(), host.pool(), client, host.random(), std::move(options)),
      status_(host, proxier_, config_) {}

void NodeProxy::start() {
  apply_conntrack(config_);
  status_.serve_healthz();
  status_.serve_metrics();
  proxier_.start();
}

Task<void> NodeProxy::stop() {
  co_await status_.stop();
  co_await proxier_.stop();
}

}  // namespace tiphys
