// ClaimMatcher: from which nodes a pod's claims can be had, and how (upstream's VolumeBinder).
//
// What all nodes share is worked out once per pod; on() answers for a node. Borrows pod and index;
// nothing of it outlives a change of either. Pure. Source: KEP-490 (topology-aware volume
// scheduling), KEP-1472 (storage capacity); pkg/scheduler/framework/plugins/volumebinding v1.35.
#pragma once
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "scheduler/node_info.h"
#include "scheduler/volume_index.h"

namespace tiphys::scheduler {

// "" or, if there is no such claim: "persistentvolumeclaim \"a\" not found".
std::string missing_claim(const VolumeIndex& volumes, const PodClaim& claim);
// "" or, if the claim should have been made for the pod and wasn't, upstream's words for that.
std::string foreign_claim(const PodInfo& pod, const PodClaim& wanted, const Claim& claim);

class ClaimMatcher {
 public:
  ClaimMatcher(const PodInfo& pod, const VolumeIndex& volumes);
  ~ClaimMatcher();

  // Not empty: no node will do. Then on() must not be called.
  const std::string& refusal() const { return refusal_; }

  struct Binding {
    const Claim* claim;
    const Volume* volume;
  };
  struct Provision {
    const Claim* claim;
    const StorageCapacity* capacity;  // that it fits into; null: nobody counts
  };
  struct OnNode {
    bool affinity_conflict = false;  // a bound volume can't be used from here
    bool volume_missing = false;     // a bound volume doesn't exist
    bool unbindable = false;         // no volume for some claim, and none can be made
    bool no_space = false;           // too little storage to make one
    std::vector<Binding> bindings;
    std::vector<Provision> provisions;
    bool fits() const { return !affinity_conflict && !volume_missing && !unbindable && !no_space; }
  };
  OnNode on(const NodeInfo& node) const;
  // What has to happen for the node. Requires: on(node).fits().
  VolumePlan plan(const NodeInfo& node) const;

 private:
  struct Wanted;
  using Taken = std::set<const Volume*>;

  void sort_out(const PodInfo& pod);
  void want(const Claim& claim);
  void check_bound(const NodeInfo& node, OnNode& answer) const;
  void provide(const NodeInfo& node, OnNode& answer) const;
  static bool provision(const Wanted& wanted, const NodeInfo& node, OnNode& answer);

  const VolumeIndex& volumes_;
  std::string refusal_;
  std::vector<const Claim*> bound_;
  std::vector<std::unique_ptr<Wanted>> wanted_;  // smallest first
};

}  // namespace tiphys::scheduler
