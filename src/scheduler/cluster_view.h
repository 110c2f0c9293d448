// ClusterView: informers' events -> cache and queue, and notes on what may help waiting pods.
// Loop thread only; used by Scheduler.
#pragma once
#include <functional>
#include <set>
#include <string>

#include "client/informer.h"
#include "scheduler/cache.h"
#include "scheduler/queue.h"
#include "scheduler/schedule.h"
#include "scheduler/snapshot_feed.h"
#include "scheduler/volume_changes.h"

namespace tiphys::scheduler {

class ClusterView {
 public:
  // `changed` is called when there may be work: a pod to schedule, or a change that helps.
  // `profiles` outlives it: pods that name none of them are somebody else's.
  ClusterView(Loop& loop, client::InformerFactory& factory, const Profiles& profiles,
              SchedulingQueue::Options queue, std::function<void()> changed);

  Cache& cache() { return cache_; }
  SchedulingQueue& queue() { return queue_; }
  // Wakes waiting pods that the changes noted since the last call may help.
  void apply_changes();
  // The node may take more than before; "": some change in the cluster may help.
  void note_node(const std::string& name);
  // The pod came to that node, or left it.
  void note_moved(const PodPtr& pod, const std::string& node, bool left);
  // The present object of a pod; null: gone.
  ObjectPtr pod_object(const PodInfo& pod) const;
  client::Informer& pods() { return pods_; }
  // Who binds volumes hears of every change that may matter to a plan under way: the key of a
  // claim, the uid of a pod that is gone, or the name of a node that is.
  void tell_binder(std::function<void(const std::string&)> about) { binder_ = std::move(about); }

 private:
  // The first event of several that come at once is the one that is told.
  void note_event(std::string_view kind, std::string_view action) {
    if (event_.empty()) event_.append(kind).append(action);
  }
  void on_pod(const ObjectPtr& old, const ObjectPtr& now);
  void pod_gone(const std::string& uid);
  bool helps(const PodInfo& waiting, const std::vector<std::string_view>& rejected_by,
             const std::vector<const NodeInfo*>& nodes);
  void note_nomination(const ObjectPtr& old, const PodPtr& waiting);
  void on_unassigned(const ObjectPtr& old, const ObjectPtr& now);
  void on_object(const SnapshotFeed& feed, const ObjectPtr& old, const ObjectPtr& now);

  Loop& loop_;
  const Profiles& profiles_;
  std::function<void()> changed_;
  Cache cache_;
  SchedulingQueue queue_;
  client::Informer& pods_;
  // Since the last apply_changes():
  static constexpr size_t kMaxMoved = 1024;  // more than that: anything may have changed
  std::set<std::string> changed_nodes_;      // may take more
  std::vector<PodPtr> moved_;
  bool cluster_changed_ = false;  // nodes, namespaces, volumes...
  VolumeChanges changed_volumes_;
  std::string event_;
  std::function<void(const std::string&)> binder_ = [](const std::string&) {};
};

}  // namespace tiphys::scheduler
