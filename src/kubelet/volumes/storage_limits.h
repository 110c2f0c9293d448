// StorageLimits: pods that take more of the node's disk than their limits say are evicted: an
// emptyDir over its sizeLimit, containers over limits of ephemeral-storage. After upstream's local
// storage eviction (pkg/kubelet/eviction: localStorageEviction).
//
// Loop thread only. Only pods with such limits are measured, one after another on a thread of their
// own, for a bounded number of names, and never for more than a twentieth of the time.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "async/gate.h"
#include "kubelet/pods/node_services.h"

namespace tiphys::kubelet {

struct StorageLimit {
  int64_t bytes = 0;
  std::string text;  // as the pod's spec says it
};
// What a pod may take of the disk, by name.
struct PodStorage {
  std::string uid;
  std::string label;
  std::string log_folder;                       // "<namespace>_<name>_<uid>"
  std::map<std::string, StorageLimit> volumes;  // emptyDirs that aren't in memory
  std::map<std::string, StorageLimit> containers;
  std::optional<StorageLimit> pod;  // all containers, logs and volumes together
};
// What it takes.
struct PodStorageUse {
  std::map<std::string, int64_t> volumes;
  std::map<std::string, int64_t> containers;  // their writable layers and logs
  int64_t rest = 0;                           // everything in the pod's folder
};
// Pure. Of pods that have limits and may be evicted for them: critical ones may not.
std::vector<PodStorage> storage_limits(const std::vector<ObjectPtr>& pods);
// Pure. The message of the eviction; "": it is within its limits.
std::string storage_excess(const PodStorage& limits, const PodStorageUse& use);

class StorageLimits {
 public:
  struct Host {
    std::function<std::vector<ObjectPtr>()> active_pods;
    // Container id -> name, of the pod's containers.
    std::function<std::map<std::string, std::string>(const std::string& uid)> containers;
    std::function<void(const std::string& uid, const std::string& message)> evict;
  };
  StorageLimits(NodeServices& node, Host host);
  void start();
  Task<void> stop();

 private:
  using Layers = std::map<std::string, int64_t>;  // by container id
  Task<void> run();
  Task<void> check_all();
  Task<Layers> writable_layers();
  Task<void> check(PodStorage limits, Layers layers);

  NodeServices& node_;
  Host host_;
  Gate gate_;
  StopSource stop_;
};

}  // namespace tiphys::kubelet
