// Startup: how long a pod took to start: from its creation until a watcher of the API saw all its
// containers started, with and without what isn't the cluster's own time. After upstream's pod
// startup SLI (sig-scalability's pod_startup_latency, pkg/kubelet/util): pods that wait for room in
// the cluster, or that some kubelet has acknowledged before, are not measured.
//
// Pure. One a pod.
#pragma once
#include <optional>

#include "base/time.h"
#include "kinds/core_v1.h"

namespace tiphys::kubelet {

class Startup {
 public:
  // As the API shows it when it is first seen.
  explicit Startup(core_v1::Pod pod);
  // An image is being fetched, or no longer. Several at a time count once.
  void pull_began(MonoTime now);
  void pull_ended(MonoTime now);
  // A container that runs before the others ended.
  void init_ran(Duration took);

  struct Took {
    Duration total;
    std::optional<Duration> sli;  // without pulls and init containers; of stateless pods only
  };
  // The API shows the pod like this. Answers once: when all of it has started.
  std::optional<Took> seen(core_v1::Pod pod, MicroTime now);

 private:
  bool measured_;
  int pulls_ = 0;  // at the time
  MonoTime pulling_since_{};
  Duration left_out_{};
};

}  // namespace tiphys::kubelet
