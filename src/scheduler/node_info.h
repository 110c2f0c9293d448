// NodeInfo: a node with the pods placed on it and the sums over them. Changed only by Snapshot.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "scheduler/pod_info.h"

namespace tiphys::scheduler {

struct Taint {
  std::string_view key, value, effect;  // views into the Node object
};

struct NodeInfo {
  int slot = -1;     // dense index, reused after removal
  ObjectPtr object;  // null: pods are known to be on a node that isn't (any more)
  std::string name;
  Labels labels;
  std::string_view zone;
  bool unschedulable = false;
  std::vector<Taint> taints;
  Resources allocatable;
  std::unordered_map<std::string, int64_t> images;  // normalised name -> bytes

  std::vector<PodPtr> pods;
  Resources requested;  // sum over pods
  int64_t nonzero_milli_cpu = 0;
  int64_t nonzero_memory = 0;
  std::vector<HostPort> used_ports;
  std::vector<PodPtr> nominated;  // not in what stands above

  void set_object(ObjectPtr node);
  void add_pod(const PodPtr& pod);
  // The pod of that uid, or null if it isn't here.
  PodPtr remove_pod(std::string_view uid);
};

}  // namespace tiphys::scheduler
