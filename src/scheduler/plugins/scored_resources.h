// Scored resources: what a pod wants of each resource that a scorer compares, and how full a node
// would be. Used by NodeResourcesFit and NodeResourcesBalancedAllocation.
// Source: k8s.io/kubernetes/pkg/scheduler/framework/plugins/noderesources, v1.35.
#pragma once
#include <span>
#include <string_view>
#include <vector>

#include "scheduler/node_info.h"
#include "scheduler/plugin_args.h"

namespace tiphys::scheduler {

struct ScoredResource {
  enum class Kind : uint8_t { kCpu, kMemory, kEphemeralStorage, kOther };
  Kind kind = Kind::kOther;
  bool nonzero = false;   // cpu and memory: containers that ask for none count as a bit
  std::string_view name;  // owned by the arguments
  int64_t weight = 1;
  int64_t want = 0;

  struct Fill {
    int64_t used = 0;      // with the pod
    int64_t capacity = 0;  // 0: the node has none
  };
  Fill on(const NodeInfo& node) const;
};

// Extended resources that the pod does not ask for are left out. Borrows `resources`.
std::vector<ScoredResource> scored_resources(std::span<const ResourceWeight> resources,
                                             const PodInfo& pod, bool nonzero);

}  // namespace tiphys::scheduler
