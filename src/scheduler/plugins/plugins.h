// The plugins, a file each. See framework.h for the contract.
#pragma once
#include "scheduler/framework.h"

namespace tiphys::scheduler {

extern const Plugin kNodeUnschedulable;
extern const Plugin kNodeName;
extern const Plugin kTaintToleration;
extern const Plugin kNodeAffinity;
extern const Plugin kNodePorts;
extern const Plugin kNodeResourcesFit;
extern const Plugin kVolumeRestrictions;
extern const Plugin kNodeVolumeLimits;
extern const Plugin kVolumeBinding;
extern const Plugin kVolumeZone;
extern const Plugin kPodTopologySpread;
extern const Plugin kInterPodAffinity;
extern const Plugin kDynamicResources;
extern const Plugin kNodeResourcesBalancedAllocation;
extern const Plugin kImageLocality;

// The pod's placement constraints on a node's labels and taints, for those who count nodes.
bool tolerates_hard_taints(const PodInfo& pod, const NodeInfo& node);

}  // namespace tiphys::scheduler
