// EmptyDirLimits: pods whose emptyDir holds more than its sizeLimit are evicted, as by upstream's
// local storage eviction (pkg/kubelet/eviction: emptyDirLimitEviction).
//
// Loop thread only. Only volumes with a limit are measured, one after another on a thread of their
// own, for a bounded number of names, and never for more than a twentieth of the time.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "async/gate.h"
#include "kubelet/pods/node_services.h"

namespace tiphys::kubelet {

struct EmptyDirLimit {
  std::string uid;
  std::string volume;
  std::string path;
  int64_t bytes = 0;
  std::string message;  // of the eviction
};
// Pure. The limits of pods that may be evicted for them.
std::vector<EmptyDirLimit> empty_dir_limits(const std::vector<ObjectPtr>& pods,
                                            const std::string& root_dir);

class EmptyDirLimits {
 public:
  struct Host {
    std::function<std::vector<ObjectPtr>()> active_pods;
    std::function<void(const std::string& uid, const std::string& message)> evict;
  };
  EmptyDirLimits(NodeServices& node, Host host);
  void start();
  Task<void> stop();

 private:
  Task<void> run();
  Task<void> measure(EmptyDirLimit limit);

  NodeServices& node_;
  Host host_;
  Gate gate_;
  StopSource stop_;
};

}  // namespace tiphys::kubelet
