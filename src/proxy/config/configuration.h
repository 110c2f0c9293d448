// Configuration: a KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1), read strictly from
// YAML or JSON, with upstream's defaults filled in. What it means for us: configuration_options.h.
//
// Input is hostile. Errors are BadRequest in upstream's words. Source: k8s.io/kube-proxy
// config/v1alpha1 and k8s.io/kubernetes/pkg/proxy/apis/config, v1.35. One thread. Departures from
// upstream: what strict decoding finds is an error here, not a warning; an absent mode is nftables;
// an absent iptables.localhostNodePorts is false; an absent minSyncPeriod is the Proxier's own, as
// a change costs next to nothing, or what costs more is followed by a rest (proxy/sync_pace.h).
#pragma once
#include <string>
#include <string_view>

#include "base/result.h"
#include "kinds/kubeproxy_v1alpha1.h"

namespace tiphys::proxy {

class Configuration {
 public:
  static constexpr std::string_view kApiVersion = "kubeproxy.config.k8s.io/v1alpha1";

  // text: a whole document; "": defaults alone. overlay: fields as a JSON object, which win.
  static Result<Configuration> parse(std::string_view text, std::string_view overlay = "");

  kubeproxy_v1alpha1::KubeProxyConfiguration view() const;
  // Every error: one as it is, several as "[a, b]".
  Result<void> validate() const;
  // Without kind and apiVersion, as /configz shows it.
  std::string json() const;
  // A file that means the same.
  std::string yaml() const;

 private:
  explicit Configuration(Draft draft) : draft_(std::move(draft)) {}
  Draft draft_;
};

}  // namespace tiphys::proxy
