#include "main/proxy_settings.h"

#include "kubelet/options.h"

namespace tiphys {

proxy::Settings proxy_settings(std::string_view bridge_name) {
  proxy::Settings settings;
  if (bridge_name != kubelet::Options().bridge_name) {
    settings.table += "-" + std::string(bridge_name);
  }
  return settings;
}

}  // namespace tiphys
