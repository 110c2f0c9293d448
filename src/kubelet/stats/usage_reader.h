// UsageReader: reads what the node and its running containers use, when somebody asks; between the
// questions it does nothing. Figures come from the control groups; the runtime is asked (CRI's
// ListContainerStats) for containers that have none where we look, as those of virtual machines.
//
// Loop thread only; files are read on the pool. Everything it references outlives it.
#pragma once
#include "kubelet/pods/pod_manager.h"
#include "kubelet/stats/disk_meter.h"
#include "kubelet/stats/usage_rates.h"

namespace tiphys::kubelet {

class UsageReader {
 public:
  UsageReader(NodeServices& node, const PodManager& pods, int64_t cpus)
      : node_(node), pods_(pods), cpus_(cpus), disks_(node) {}
  // What can't be read has no sample. Error: there are no control groups.
  Task<Result<NodeUsage>> read();
  // Also of the disk, as far as it is measured in time.
  Task<Result<NodeUsage>> read_with_disks();
  Task<void> stop();

 private:
  NodeUsage list() const;
  Task<NodeUsage> with_disks(NodeUsage usage);
  std::vector<PodDiskPlan> disk_plans() const;

  NodeServices& node_;
  const PodManager& pods_;
  int64_t cpus_;
  UsageRates rates_;
  DiskMeter disks_;
};

}  // namespace tiphys::kubelet
