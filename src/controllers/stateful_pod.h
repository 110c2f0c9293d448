// The pods of a StatefulSet: their names with ordinals, identity, and volumes that point at claims.
// Pure. Source: https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#pod-identity
#pragma once
#include <optional>
#include <string>

#include "kinds/apps_v1.h"

namespace tiphys::controllers {

inline constexpr std::string_view kStatefulPodName = "statefulset.kubernetes.io/pod-name";
inline constexpr std::string_view kPodIndex = "apps.kubernetes.io/pod-index";

std::string stateful_pod_name(std::string_view set_name, int64_t ordinal);
// {"web", 2} of "web-2"; nullopt: not the name of any set's pod.
struct StatefulPodName {
  std::string_view set;
  int64_t ordinal = 0;
};
std::optional<StatefulPodName> parse_stateful_pod_name(std::string_view name);
// The pod's ordinal; nullopt: its name is not that of a pod of the set.
std::optional<int64_t> ordinal_of(std::string_view set_name, const Object& pod);

// "<template>-<set>-<ordinal>"
std::string stateful_claim_name(const core_v1::PersistentVolumeClaim& claim_template,
                                std::string_view set_name, int64_t ordinal);

// A pod of the set as its template of a revision makes it.
ObjectPtr new_stateful_pod(const Object& set, const core_v1::PodTemplateSpec& pod_template,
                           std::string_view revision, int64_t ordinal);
bool identity_matches(const core_v1::Pod& pod);
bool storage_matches(const apps_v1::StatefulSet& set, const core_v1::Pod& pod, int64_t ordinal);
// The pod with its identity's labels and volumes put right.
ObjectPtr repaired_pod(const apps_v1::StatefulSet& set, const Object& pod, int64_t ordinal);

}  // namespace tiphys::controllers
