// UsageRates: nanocores from cumulative CPU times: for each group the last two samples that are at
// least kMinWindow apart. Pure; loop thread only.
#pragma once
#include <map>
#include <string>

#include "kubelet/stats/usage.h"

namespace tiphys::kubelet {

class UsageRates {
 public:
  static constexpr MicroTime kMinWindow = kMicrosPerSecond;

  // Sets nano_cores in every sample. Groups that are not in `usage` are forgotten.
  void update(NodeUsage& usage);

 private:
  struct Last {
    MicroTime time = 0;
    int64_t cpu_ns = 0;
    std::optional<int64_t> nano_cores;
  };
  using Groups = std::map<std::string, Last>;  // by cgroup
  void update(const std::string& cgroup, std::optional<UsageSample>& sample, Groups& next);
  Groups groups_;
};

}  // namespace tiphys::kubelet
