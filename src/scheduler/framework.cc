#include "scheduler/framework.h"

#include <algorithm>

#include "scheduler/plugins/plugins.h"

namespace tiphys::scheduler {

std::span<const Plugin> default_plugins() {
  static const std::array<Plugin, 10> plugins = {
      kNodeUnschedulable, kNodeName,         kTaintToleration,
      kNodeAffinity,      kNodePorts,        kNodeResourcesFit,
      kPodTopologySpread, kInterPodAffinity, kNodeResourcesBalancedAllocation,
      kImageLocality};
  return plugins;
}

void scale_to_max(std::span<int64_t> scores, bool reverse) {
  int64_t highest = 0;
  for (int64_t score : scores) highest = std::max(highest, score);
  for (int64_t& score : scores) {
    if (highest == 0) {
      if (reverse) score = kMaxNodeScore;
      continue;
    }
    score = kMaxNodeScore * score / highest;
    if (reverse) score = kMaxNodeScore - score;
  }
}

}  // namespace tiphys::scheduler
