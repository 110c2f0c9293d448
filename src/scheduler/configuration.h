// Configuration: a KubeSchedulerConfiguration (kubescheduler.config.k8s.io/v1), read strictly from
// YAML or JSON, with upstream's defaults filled in. What it means: validate(), profiles().
//
//   TIPHYS_TRY(Configuration, config, Configuration::parse(text));
//   config.edit().edit_leader_election().set_leader_elect(false);  // a flag
//   TIPHYS_TRY(std::vector<Profile>, profiles, config.profiles());
//
// Input is hostile. Errors are BadRequest in upstream's words. Source: k8s.io/kube-scheduler
// config/v1 and k8s.io/kubernetes/pkg/scheduler/apis/config, v1.35. One thread.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kinds/scheduler_v1.h"
#include "scheduler/extender_config.h"
#include "scheduler/profile.h"

namespace tiphys::scheduler {

class Configuration {
 public:
  static constexpr std::string_view kApiVersion = "kubescheduler.config.k8s.io/v1";

  // Upstream's defaults alone.
  static Configuration defaults();
  static Result<Configuration> parse(std::string_view text);

  scheduler_v1::KubeSchedulerConfiguration view() const;
  // For what flags override.
  scheduler_v1::KubeSchedulerConfigurationEdit edit();

  // Every field error: one as it is, several as "[a, b]".
  Result<void> validate() const;
  // Requires: valid. Errors: plugins that do not exist, are there twice, or are not supported.
  Result<std::vector<Profile>> profiles() const;
  // Ignorable ones last, as upstream calls them.
  std::vector<ExtenderConfig> extenders() const;
  // With kind and apiVersion.
  std::string json() const;
  std::string yaml() const;

 private:
  explicit Configuration(Draft draft) : draft_(std::move(draft)) {}
  Draft draft_;
};

}  // namespace tiphys::scheduler
