// Profile: how the pods of one schedulerName are scheduled: which plugins filter and score, with
// which weights and arguments. Plain data; immutable while in use.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/framework.h"

namespace tiphys::scheduler {

struct Profile {
  struct Weighted {
    const Plugin* plugin;
    int64_t weight;
  };
  std::string scheduler_name = "default-scheduler";
  std::vector<const Plugin*> filters;  // in the order they are asked
  std::vector<Weighted> scorers;
  bool preempts = true;                  // DefaultPreemption at postFilter
  bool holds_gated = true;               // SchedulingGates at preEnqueue
  int percentage_of_nodes_to_score = 0;  // 0: adaptive (50% at 0 nodes down to 5%)
  PluginArgs args;
};

// Every plugin that filters or scores, in upstream's default order.
std::span<const Plugin* const> all_plugins();
const Plugin* find_plugin(std::string_view name);  // null: no such one

// The profiles of one scheduler, by the schedulerName of pods.
class Profiles {
 public:
  // Requires: not empty, names differ.
  explicit Profiles(std::vector<Profile> list) : list_(std::move(list)) {}
  const Profile* find(std::string_view scheduler_name) const {  // null: not ours
    for (const Profile& profile : list_) {
      if (profile.scheduler_name == scheduler_name) return &profile;
    }
    return nullptr;
  }
  const std::vector<Profile>& list() const { return list_; }

 private:
  std::vector<Profile> list_;
};

// Upstream's default plugins, weights and arguments.
Profile default_profile(std::string scheduler_name = "default-scheduler");

}  // namespace tiphys::scheduler
