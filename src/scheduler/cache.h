// Cache: which pods are on which nodes, as informers tell and as the scheduler itself assumes
// between its decision and the informers' confirmation. Keeps the Snapshot. One thread.
#pragma once
#include <string>
#include <unordered_map>

#include "scheduler/snapshot.h"

namespace tiphys::scheduler {

class Cache {
 public:
  Snapshot& snapshot() { return snapshot_; }
  const Snapshot& snapshot() const { return snapshot_; }

  // An assigned pod as informers see it: new, moved, changed, or the confirmation of an assumed one
  // (also if it was bound elsewhere than assumed). True if a node has more room than before.
  bool set_pod(const PodPtr& pod);
  // Gone or terminal. Answers the node it was on, "" if none.
  std::string remove_pod(const std::string& uid);
  // The pod is about to be removed for a more important one, or, after all, is not.
  void mark_preempted(const std::string& uid, bool preempted);
  // Counts the pod on the node. Requires: not known yet.
  void assume(const PodPtr& pod, const std::string& node);
  // Takes an assumption back; no effect once confirmed. True if it was one.
  bool forget(const std::string& uid);
  bool is_assumed(const std::string& uid) const;

  // Room kept on a node for a pod that preempted others there, until it is placed or given up.
  void nominate(const PodPtr& pod, const std::string& node);
  std::string drop_nomination(const std::string& uid);  // the node, "" if there was none
  // Drops the nominations for the node of pods of lower priority, and answers them.
  std::vector<PodPtr> drop_nominations_below(const std::string& node, int32_t priority);
  bool is_nominated(const std::string& uid) const { return nominated_.contains(uid); }
  std::string nominated_node(const std::string& uid) const {  // "": none
    auto at = nominated_.find(uid);
    return at == nominated_.end() ? "" : at->second.node;
  }
  bool knows(const std::string& uid) const { return pods_.contains(uid); }
  PodPtr pod(const std::string& uid) const {  // null: not known
    auto at = pods_.find(uid);
    return at == pods_.end() ? nullptr : at->second.pod;
  }
  std::string node_of(const std::string& uid) const {  // "": not known
    auto at = pods_.find(uid);
    return at == pods_.end() ? "" : at->second.node;
  }
  size_t size() const { return pods_.size(); }
  size_t assumed() const { return assumed_; }

 private:
  struct Entry {
    PodPtr pod;
    std::string node;
    bool assumed = false;
  };
  struct Nomination {
    PodPtr pod;
    std::string node;
  };
  Snapshot snapshot_;
  std::unordered_map<std::string, Entry> pods_;            // by uid
  std::unordered_map<std::string, Nomination> nominated_;  // by uid
  size_t assumed_ = 0;
};

}  // namespace tiphys::scheduler
