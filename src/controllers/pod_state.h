// Pod state: what controllers read off a pod's status, and which pods to delete first. Pure.
// Source: k8s.io/kubernetes pkg/api/v1/pod and pkg/controller (ActivePodsWithRanks).
#pragma once
#include <optional>
#include <vector>

#include "base/time.h"
#include "controllers/action.h"
#include "kinds/core_v1.h"

namespace tiphys::controllers {

// Ready for at least min_ready_seconds.
bool is_pod_available(const core_v1::Pod& pod, int32_t min_ready_seconds, MicroTime now);
// How long until a ready pod is available; nullopt: it is, or it is not ready, or not known since
// when.
std::optional<Duration> until_available(const core_v1::Pod& pod, int32_t min_ready_seconds,
                                        MicroTime now);
// Looks again when the next ready pod is available.
void look_when_available(const std::vector<ObjectPtr>& pods, int32_t min_ready_seconds,
                         MicroTime now, Decision& decision);
// Neither finished nor being deleted.
bool is_pod_active(const core_v1::Pod& pod);

// A pod of a set, with what decides when it goes.
struct RankedPod {
  ObjectPtr object;
  size_t rank = 0;  // how many related pods its node has
};
// True if `a` is to be deleted before `b`.
bool deleted_before(const RankedPod& a, const RankedPod& b, MicroTime now);

// Sets the condition DisruptionTarget; false: it stood so already.
bool put_disruption_target(core_v1::PodEdit pod, std::string_view reason, std::string_view message,
                           MicroTime now);

// Index of pods by the name of their node.
inline constexpr std::string_view kByNode = "node";
std::vector<std::string> node_of_pod(const Object& pod);

// A new pod from a template for its controller, named "<controller>-xxxxx" by the server.
ObjectPtr pod_from_template(const core_v1::PodTemplateSpec& pod_template, const Object& controller);

}  // namespace tiphys::controllers
