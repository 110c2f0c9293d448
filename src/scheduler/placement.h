// PodPlacement (scheduling.tiphys.io/v1): what every plugin says about one pod on every node.
// Computed from lists on demand, nothing is stored. Pure; any thread.
#pragma once
#include <vector>

#include "object/object.h"
#include "scheduler/extender_config.h"
#include "scheduler/profile.h"
#include "scheduler/snapshot_feed.h"

namespace tiphys::scheduler {

// What a decision depends on, as of one moment.
struct ClusterObjects {
  std::vector<ObjectPtr> pods;                // of all namespaces
  std::vector<std::vector<ObjectPtr>> feeds;  // of each of snapshot_feeds(), in its order
};

// A placed pod is judged as if it weren't there yet; room that is kept for other pods of its
// priority or a higher one (nominatedNodeName) counts as taken. Nodes are sorted best first. A pod
// whose schedulerName is none of the profiles' is explained with the message only. Extenders are
// not asked: the message says of each that has a say about the pod that it was not.
ObjectPtr explain_placement(const ObjectPtr& pod, const ClusterObjects& cluster,
                            const Profiles& profiles,
                            const std::vector<ExtenderConfig>& extenders = {});

}  // namespace tiphys::scheduler
