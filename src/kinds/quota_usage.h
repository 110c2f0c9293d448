// What objects count against ResourceQuotas: how much of which resource names one object takes, and
// which objects a quota is about. Used by admission (charging) and by the quota controller
// (counting). Pure; views must outlive the call only.
// Source: k8s.io/kubernetes pkg/quota/v1;
// https://kubernetes.io/docs/concepts/policy/resource-quotas.
#pragma once
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "kinds/pods.h"
#include "schema/resource.h"

namespace tiphys::kinds {

using ResourceNames = std::set<std::string, std::less<>>;

// Resources that quotas never count: those that aren't stored, and events.
bool quota_ignores(std::string_view group, std::string_view resource);

// "count/deployments.apps", "count/pods".
std::string object_count_name(std::string_view group, std::string_view resource);

// Those of the names (a quota's hard ones) that objects of a resource count against.
ResourceNames quota_names_about(std::string_view group, std::string_view resource,
                                const ResourceNames& names);

// What one object takes. Pods that have ended, or are overdue to be gone, take only an object.
ResourceSums quota_usage(std::string_view group, std::string_view resource, const Node& root,
                         MicroTime now);

// Whether an object is in all scopes of a quota.
bool in_quota_scopes(const core_v1::ResourceQuotaSpec& quota, std::string_view group,
                     std::string_view resource, const Node& root);

// spec.activeDeadlineSeconds is set: the scope Terminating.
bool is_terminating(const core_v1::Pod& pod);
// Whether a change of a claim's status may change what it takes, or its scopes.
bool claim_usage_may_differ(const core_v1::PersistentVolumeClaim& now,
                            const core_v1::PersistentVolumeClaim& old);
// False: the pod takes nothing but an object any more.
bool counts_for_quota(const core_v1::Pod& pod, MicroTime now);

// A map of quantities as sums, and its names.
ResourceSums quantities(const MapView<std::string_view>& map);
ResourceNames names_of(const ResourceSums& sums);
// Only those of the names.
ResourceSums masked(const ResourceSums& sums, const ResourceNames& names);

}  // namespace tiphys::kinds
