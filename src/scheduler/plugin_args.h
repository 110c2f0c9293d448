// PluginArgs: what a profile's pluginConfig says to its plugins, decoded, with upstream's defaults
// (kubescheduler.config.k8s.io/v1). Plain data; immutable while a profile is in use.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "scheduler/pod_info.h"

namespace tiphys::scheduler {

struct ResourceWeight {
  std::string name;
  int64_t weight = 1;  // 1..100
};

// A point of a scoring function: at this utilization (0..100 percent) this score (0..10). Between
// points it is linear.
struct ShapePoint {
  int32_t utilization = 0;
  int32_t score = 0;
};

struct FitArgs {  // NodeResourcesFitArgs
  enum class Strategy : uint8_t { kLeastAllocated, kMostAllocated, kRequestedToCapacityRatio };
  std::vector<std::string> ignored_resources;        // extended resources that filter nothing
  std::vector<std::string> ignored_resource_groups;  // the same by "example.com"
  Strategy strategy = Strategy::kLeastAllocated;
  std::vector<ResourceWeight> resources = {{"cpu", 1}, {"memory", 1}};
  std::vector<ShapePoint> shape;  // of kRequestedToCapacityRatio
};

struct PluginArgs {
  FitArgs fit;
  std::vector<ResourceWeight> balanced_resources = {{"cpu", 1}, {"memory", 1}};

  // NodeAffinityArgs.addedAffinity: in addition to what each pod asks for.
  bool has_added_terms = false;
  std::vector<NodeTerm> added_terms;  // ORed
  std::vector<WeightedNodeTerm> added_preferred_terms;

  // InterPodAffinityArgs
  int64_t hard_pod_affinity_weight = 1;
  bool ignore_preferred_terms_of_existing_pods = false;

  // PodTopologySpreadArgs: constraints of pods that have none; `labels` is not set, it comes from
  // the pod's services and controller.
  bool system_default_spreading = true;  // defaultingType System; then the list is not used
  std::vector<SpreadConstraint> default_spread;
  bool spreads_hard_by_default() const {
    return !system_default_spreading &&
           std::ranges::any_of(default_spread, [](const auto& one) { return one.hard; });
  }

  // DefaultPreemptionArgs
  int32_t min_candidate_nodes_percentage = 10;
  int32_t min_candidate_nodes_absolute = 100;

  // VolumeBindingArgs
  Duration bind_timeout = std::chrono::seconds(600);
  std::vector<ShapePoint> volume_shape;
};

}  // namespace tiphys::scheduler
