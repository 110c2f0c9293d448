// Snapshot: the cluster as one scheduling decision sees it: nodes with their pods, and the indexes
// over them. It is changed in place, so that it costs what changed; schedule() only reads it.
// One thread (lookups may build an index).
#pragma once
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "scheduler/topology.h"
#include "scheduler/volume_index.h"

namespace tiphys::scheduler {

class Snapshot {
 public:
  Snapshot() : topology_(slots_) {}
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  // Of the pods here; INT32_MAX: there are none.
  int32_t lowest_priority() const {
    return priorities_.empty() ? INT32_MAX : priorities_.begin()->first;
  }
  // Nodes that exist, zones taking turns.
  const std::vector<const NodeInfo*>& nodes() const;
  const NodeInfo* find(std::string_view name) const;  // null: no such node object
  // How many nodes hold the image.
  int nodes_with_image(const std::string& image) const;
  TopologyIndex& topology() const { return topology_; }
  VolumeIndex& volumes() { return volumes_; }
  const VolumeIndex& volumes() const { return volumes_; }
  // What default spreading counts: the pods of the services and of the controller that a pod
  // belongs to (upstream's DefaultSelector). nullopt: it belongs to none.
  std::optional<LabelMatch> owner_match(const PodInfo& pod) const;

  void set_node(ObjectPtr node);
  void remove_node(std::string_view name);
  // A pod on a node; the node may be unknown yet. Requires: no pod of this uid is here.
  void add_pod(const PodPtr& pod, std::string_view node_name);
  // True if it was there.
  bool remove_pod(std::string_view uid, std::string_view node_name);
  // Room is kept for the pod there: it counts only for those who ask (NodeInfo::nominated).
  void nominate(const PodPtr& pod, std::string_view node_name);
  void drop_nomination(std::string_view uid, std::string_view node_name);
  bool has_nominations() const { return nominations_ > 0; }
  void set_namespace(std::string_view name, const ObjectPtr& object) {
    topology_.set_namespace(name, object);
  }
  // Service, ReplicationController, ReplicaSet or StatefulSet; `now` null: gone.
  void set_owner(const ObjectPtr& old, const ObjectPtr& now);

 private:
  NodeInfo& ensure(std::string_view name);
  void drop_if_empty(NodeInfo& node);
  void count_images(const NodeInfo& node, int by);

  std::vector<std::unique_ptr<NodeInfo>> slots_;
  std::vector<int> free_slots_;
  std::unordered_map<std::string, int> by_name_;
  mutable std::vector<const NodeInfo*> order_;
  mutable bool order_stale_ = false;
  std::unordered_map<std::string, int> image_nodes_;
  size_t nominations_ = 0;
  std::map<int32_t, int64_t> priorities_;  // how many pods have them
  mutable TopologyIndex topology_;
  VolumeIndex volumes_;
  // Selectors by namespace: of services by name; of controllers by "kind/name".
  std::unordered_map<std::string, std::map<std::string, LabelMatch>> services_;
  std::unordered_map<std::string, std::map<std::string, LabelMatch>> controllers_;
};

}  // namespace tiphys::scheduler
