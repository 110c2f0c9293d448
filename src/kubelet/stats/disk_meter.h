// DiskMeter: what pods take of the disk, measured when somebody asks, at most once a minute a pod
// (upstream's default volumeStatsAggPeriod), one pod after another, on a thread of its own, and for
// no more than a twentieth of the time. Who asks waits shortly; what isn't measured then is told as
// it was, or comes the next time: pods with huge trees make no question expensive.
//
// Loop thread only. Everything it references outlives it.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "async/gate.h"
#include "kubelet/pods/node_services.h"
#include "kubelet/stats/pod_disk.h"

namespace tiphys::kubelet {

class DiskMeter {
 public:
  explicit DiskMeter(NodeServices& node) : node_(node), gate_(node.loop), done_(node.loop) {}
  // By uid. What was known of other pods is forgotten.
  Task<std::map<std::string, PodDisk>> read(std::vector<PodDiskPlan> pods);
  Task<void> stop();

 private:
  struct Entry {
    PodDisk disk;
    MonoTime next{};  // when it may be measured again
  };
  Task<void> measure_all(std::vector<PodDiskPlan> pods);
  Task<void> measure(PodDiskPlan plan);

  NodeServices& node_;
  Gate gate_;
  StopSource stop_;
  Event done_;
  bool busy_ = false;
  std::map<std::string, Entry> entries_;  // by uid
};

}  // namespace tiphys::kubelet
