// Node taints: what a node's conditions, taints and labels have to be, going by what its kubelet
// reports. Pure. Source ("Taint based Evictions"):
// https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
#pragma once
#include <optional>

#include "kinds/core_v1.h"

namespace tiphys::controllers {

std::optional<core_v1::NodeCondition> find_condition(core_v1::Node node, std::string_view type);
// "Unknown" without such a condition.
std::string_view condition_status(core_v1::Node node, std::string_view type);
// True if a condition that kubelets report says True or False (so that it has to become Unknown).
bool has_live_conditions(core_v1::Node node);
// Sets the kubelet's conditions to Unknown.
void mark_unknown(core_v1::NodeEdit node, MicroTime now);

// The taints not-ready and unreachable with NoExecute, which evict pods.
enum class Evictions : uint8_t {
  kAllowed,  // they may be added
  kHeld,     // one may take the place of the other, and go
  kNone,     // they go
};
// Makes the taints that this controller owns follow the conditions and spec.unschedulable. False:
// they already did.
bool update_taints(core_v1::NodeEdit node, Evictions evictions, MicroTime now);
// Has one of the taints that evict pods.
bool is_evicting(core_v1::Node node);
// Ready says that it should.
bool should_evict(core_v1::Node node);
// The beta labels for operating system and architecture follow the stable ones. False: they did.
bool update_labels(core_v1::NodeEdit node);

}  // namespace tiphys::controllers
