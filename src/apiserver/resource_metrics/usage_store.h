// UsageStore: the last two points of every node and container, and the usage between them. Pure.
// After metrics-server's pkg/storage.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/resource_metrics/kubelet_metrics.h"

namespace tiphys::apiserver {

struct Usage {
  MicroTime time = 0;  // of the last point
  Duration window = Duration::zero();
  int64_t nano_cores = 0;
  int64_t memory_bytes = 0;
};
// Nothing: the counter, the start or the time went back.
std::optional<Usage> usage_between(const UsagePoint& previous, const UsagePoint& last);

struct ContainerUsage {
  std::string name;
  Usage usage;
};

class UsageStore {
 public:
  using Batch = std::map<std::string, NodePoints>;  // by node
  // resolution: how far apart batches are. A container that is younger than that, but not too
  // young, is measured from its start.
  explicit UsageStore(Duration resolution) : resolution_(resolution) {}

  // What is not in the batch is forgotten.
  void store(Batch batch);
  void clear();
  bool empty() const { return last_.empty(); }

  // Nothing: fewer than two points.
  std::optional<Usage> node(const std::string& name) const;
  // Of a pod on that node, by container; empty: not known, or not of every container.
  std::vector<ContainerUsage> pod(const std::string& node, const PodName& name) const;

 private:
  std::optional<UsagePoint> previous_node(const std::string& name, const UsagePoint& now) const;
  std::optional<UsagePoint> previous_container(const std::string& node, const PodName& pod,
                                               const std::string& container,
                                               const UsagePoint& now) const;
  bool is_fresh(const UsagePoint& now) const;

  Duration resolution_;
  Batch last_;
  Batch previous_;  // of what has usage
};

}  // namespace tiphys::apiserver
