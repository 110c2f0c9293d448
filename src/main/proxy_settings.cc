#include "main/proxy_settings.h"

#include <thread>

#include "base/log.h"
#include "base/strings.h"
#include "kubelet/options.h"
#include "os/files.h"
#include "os/process.h"
#include "proxy/config/configuration_options.h"

namespace tiphys {

proxy::Settings proxy_settings(std::string_view bridge_name) {
  proxy::Settings settings;
  if (bridge_name != kubelet::Options().bridge_name) {
    settings.table += "-" + std::string(bridge_name);
  }
  return settings;
}

void apply_conntrack(const proxy::Configuration& config) {
  if (!os::exists("/proc/sys/net/netfilter/nf_conntrack_max")) {
    auto loaded = os::run_command({"modprobe", "nf_conntrack"});
    if (!loaded) LOG_WARNING("Can't load nf_conntrack", {"err", loaded.error()});
  }
  int cores = static_cast<int>(std::thread::hardware_concurrency());
  proxy::apply_conntrack_settings(proxy::conntrack_settings(config, cores));
}

void apply_conntrack_defaults() {
  Result<proxy::Configuration> defaults = proxy::Configuration::parse("");
  if (defaults) apply_conntrack(*defaults);
}

void NodeProxyFlags::add_to(FlagSet& flags) {
  flags.add(
      "proxy-mode", mode,
      "How Services are brought into the kernel: nftables or iptables (one cluster a machine)");
}

Result<proxy::Mode> NodeProxyFlags::proxy_mode() const {
  if (mode == "nftables") return proxy::Mode::kNftables;
  if (mode == "iptables") return proxy::Mode::kIptables;
  std::string why = mode == "ipvs"
                        ? "is not supported by this kube-proxy: nftables and iptables are"
                        : "must be nftables or iptables";
  return ApiStatus::bad_request("--proxy-mode: " + go_quote(mode) + " " + why);
}

proxy::Proxier::Options NodeProxyFlags::options(std::string node_name, std::string_view bridge_name,
                                                std::string_view cluster_cidr) const {
  proxy::Proxier::Options options;
  if (auto chosen = proxy_mode()) options.mode = *chosen;
  options.node_name = std::move(node_name);
  options.settings = proxy_settings(bridge_name);
  for (std::string_view text : split(cluster_cidr, ',')) {
    if (auto range = proxy::Cidr::parse(text)) options.settings.cluster_cidrs.push_back(*range);
  }
  return options;
}

}  // namespace tiphys
