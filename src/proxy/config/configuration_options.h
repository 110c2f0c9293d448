// What a KubeProxyConfiguration means: for the Proxier's Options, and for the kernel's connection
// tracking.
//
// A field either does something here or in main, or asks for what happens anyway; any other value
// is refused by name. Fields of other modes and systems (ipvs, winkernel) are ignored, as upstream.
#pragma once
#include "proxy/config/configuration.h"
#include "proxy/proxier.h"

namespace tiphys::proxy {

// Everything of the Options that the configuration decides; node name and table stay as in `base`.
// Requires: valid. BadRequest: every value that is not supported, with the reason.
Result<Proxier::Options> proxier_options(const Configuration& config, Proxier::Options base);

// A setting below /proc/sys/net/netfilter.
struct ConntrackSetting {
  std::string_view name;
  int64_t value = 0;
};
// Those to be written on a machine with so many cores; zero leaves a setting as it is. Pure.
std::vector<ConntrackSetting> conntrack_settings(const Configuration& config, int cores);
// Writes them; what can't be written is logged. Blocks.
void apply_conntrack_settings(const std::vector<ConntrackSetting>& settings);

}  // namespace tiphys::proxy
