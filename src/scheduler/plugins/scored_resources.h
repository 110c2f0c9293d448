// Scored resources: what a pod wants of each resource that a scorer compares, and how full a node
// would be. Used by NodeResourcesFit and NodeResourcesBalancedAllocation.
// Source: k8s.io/kubernetes/pkg/scheduler/framework/plugins/noderesources, v1.35.
#pragma once
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "scheduler/node_info.h"
#include "scheduler/plugin_args.h"

namespace tiphys::scheduler {

class ScoredResource {
 public:
  enum class Kind : uint8_t { kCpu, kMemory, kEphemeralStorage, kOther };
  ScoredResource(const ResourceWeight& resource, const PodInfo& pod, bool nonzero);
  Kind kind = Kind::kOther;
  bool nonzero = false;   // cpu and memory: containers that ask for none count as a bit
  std::string_view name;  // owned by the arguments
  int64_t weight = 1;
  int64_t want = 0;

  struct Fill {
    int64_t used = 0;      // with the pod
    int64_t capacity = 0;  // 0: the node has none
  };
  // Inline: asked for every feasible node.
  Fill on(const NodeInfo& node) const {
    if (kind == Kind::kCpu) {
      return {sum(nonzero ? node.nonzero_milli_cpu : node.requested.milli_cpu),
              node.allocatable.milli_cpu};
    }
    if (kind == Kind::kMemory) {
      return {sum(nonzero ? node.nonzero_memory : node.requested.memory), node.allocatable.memory};
    }
    return other_on(node);
  }

 private:
  int64_t sum(int64_t used) const {
    int64_t out = 0;
    return __builtin_add_overflow(used, want, &out) ? std::numeric_limits<int64_t>::max() : out;
  }
  Fill other_on(const NodeInfo& node) const;
};

// Extended resources that the pod does not ask for are left out. Borrows `resources`.
std::vector<ScoredResource> scored_resources(std::span<const ResourceWeight> resources,
                                             const PodInfo& pod, bool nonzero);

}  // namespace tiphys::scheduler
