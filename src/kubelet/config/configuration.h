// Configuration: a KubeletConfiguration (kubelet.config.k8s.io/v1beta1), read strictly from YAML or
// JSON, in layers of which later ones win (file, drop-ins, flags), with upstream's defaults filled
// in. What it means for us: configuration_options.h.
//
//   TIPHYS_TRY(Configuration, config, Configuration::parse({{text, folder}}, R"({"maxPods":30})"));
//   if (Result<void> valid = config.validate(); !valid) return valid.error();
//
// Input is hostile. Errors are BadRequest in upstream's words. Source: k8s.io/kubelet
// config/v1beta1 and k8s.io/kubernetes/pkg/kubelet/apis/config, v1.35. One thread. Departures from
// upstream: what strict decoding finds is an error here, not a warning; failCgroupV1 is false (this
// kubelet knows version 1), and an absent containerRuntimeEndpoint, podLogsDir, clusterDNS or
// clusterDomain is our own runtime, folder and cluster services.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kinds/kubelet_v1beta1.h"

namespace tiphys::kubelet {

// Relative paths in it are relative to the folder.
struct ConfigurationFile {
  std::string text;
  std::string folder;
};

class Configuration {
 public:
  static constexpr std::string_view kApiVersion = "kubelet.config.k8s.io/v1beta1";

  // Defaults alone.
  static Configuration defaults();
  // files: whole documents; maps are merged, lists replaced. overlay: fields as a JSON object,
  // which win; maps in it replace, but featureGates. "": none.
  static Result<Configuration> parse(const std::vector<ConfigurationFile>& files,
                                     std::string_view overlay = "");

  kubelet_v1beta1::KubeletConfiguration view() const;
  kubelet_v1beta1::KubeletConfigurationEdit edit();
  // Every error: one as it is, several as "[a, b]". cgroup_v2: of this machine.
  Result<void> validate(bool cgroup_v2) const;
  // Without kind and apiVersion, as /configz shows it.
  std::string json() const;

 private:
  explicit Configuration(Draft draft) : draft_(std::move(draft)) {}
  Draft draft_;
};

}  // namespace tiphys::kubelet
