#include "scheduler/framework.h"

#include <algorithm>

#include "scheduler/plugins/plugins.h"
#include "scheduler/profile.h"

namespace tiphys::scheduler {

std::span<const Plugin* const> all_plugins() {
  static constexpr std::array kPlugins = {&kNodeUnschedulable,  &kNodeName,
                                          &kTaintToleration,    &kNodeAffinity,
                                          &kNodePorts,          &kNodeResourcesFit,
                                          &kVolumeRestrictions, &kNodeVolumeLimits,
                                          &kVolumeBinding,      &kVolumeZone,
                                          &kPodTopologySpread,  &kInterPodAffinity,
                                          &kDynamicResources,   &kNodeResourcesBalancedAllocation,
                                          &kImageLocality};
  return kPlugins;
}

const Plugin* find_plugin(std::string_view name) {
  for (const Plugin* plugin : all_plugins()) {
    if (plugin->name == name) return plugin;
  }
  return nullptr;
}

Profile default_profile(std::string scheduler_name) {
  Profile profile;
  profile.scheduler_name = std::move(scheduler_name);
  for (const Plugin* plugin : all_plugins()) {
    if (plugin->make_checker != nullptr) profile.filters.push_back(plugin);
    if (plugin->make_scorer != nullptr) profile.scorers.push_back({plugin, plugin->weight});
  }
  return profile;
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
