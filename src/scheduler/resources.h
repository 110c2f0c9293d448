// Resources: amounts as integers, the way the scheduler compares them. Pure; thread-safe.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kinds/core_v1.h"

namespace tiphys::scheduler {

struct Resources {
  int64_t milli_cpu = 0;
  int64_t memory = 0;                                   // bytes
  int64_t ephemeral_storage = 0;                        // bytes
  int64_t pods = 0;                                     // of a node: how many it takes
  std::vector<std::pair<std::string, int64_t>> others;  // sorted by name

  int64_t other(std::string_view name) const;
  void set_other(std::string_view name, int64_t amount);
  void add(const Resources& more);        // pods excepted
  void subtract(const Resources& less);   // pods excepted
  void raise_to(const Resources& floor);  // the larger of both, name by name
  bool operator==(const Resources&) const = default;
};

// What a resource without a request counts as when nodes are compared (upstream's
// DefaultMilliCPURequest and DefaultMemoryRequest).
inline constexpr int64_t kDefaultMilliCpu = 100;
inline constexpr int64_t kDefaultMemory = 200 * 1024 * 1024;

// Amounts saturate; malformed quantities count as zero (the API server refuses them).
Resources resources_from(const MapView<std::string_view>& quantities);
int64_t milli_value(std::string_view quantity);  // rounded up
int64_t whole_value(std::string_view quantity);  // rounded up

// What a pod asks a node for: containers, restartable and plain init containers, pod-level
// resources, overhead (k8s.io/component-helpers PodRequests). While a container is resized in place
// it counts with the most of what it asks for, has, and is allocated (KEP-1287); what the node
// can't give (an infeasible resize) doesn't count.
Resources pod_requests(const core_v1::Pod& pod);
// The same with defaults for containers that ask for no cpu or memory.
Resources pod_nonzero_requests(const core_v1::Pod& pod);

}  // namespace tiphys::scheduler
