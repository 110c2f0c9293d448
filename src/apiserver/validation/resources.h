// Validation of resource requirements of containers, pods and overhead. Pure.
#pragma once
#include <set>
#include <string_view>

#include "apiserver/registry/field_error.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {

struct ResourceRules {
  const std::set<std::string_view>* claims = nullptr;  // names of the pod's claims; null: none
  bool huge_pages = false;  // amounts may be no multiple of the page size (ratcheting)
  bool pod_level = false;   // resources that pods have as a whole
};

void validate_resources(core_v1::ResourceRequirements resources, const ResourceRules& rules,
                        const FieldPath& path, FieldErrors& errors);
// Limits only, as RuntimeClass overhead is.
void validate_overhead(const MapView<std::string_view>& overhead, const ResourceRules& rules,
                       const FieldPath& path, FieldErrors& errors);
// spec.resources of a pod, against its containers'; `path` is spec.resources.
void validate_pod_resources(core_v1::PodSpec spec, const ResourceRules& rules,
                            const FieldPath& path, FieldErrors& errors);
// A multiple of the page size that the resource's name says.
bool is_whole_huge_pages(std::string_view name, std::string_view amount);

}  // namespace tiphys::apiserver
