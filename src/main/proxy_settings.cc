#include "main/proxy_settings.h"

#include <thread>

#include "base/log.h"
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

}  // namespace tiphys
