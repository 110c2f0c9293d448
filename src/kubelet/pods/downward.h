// The downward API: what a pod may know of itself, for environment variables and volume files.
// Pure. Fields: "Expose Pod Information to Containers"; k8s.io/kubernetes/pkg/fieldpath.
#pragma once
#include <string>
#include <vector>

#include "kubelet/pods/model.h"

namespace tiphys::kubelet {

struct DownwardContext {
  core_v1::Pod pod;
  std::vector<std::string> pod_ips;
  std::vector<std::string> host_ips;
  // The node's allocatable, for limits that a container doesn't set.
  std::map<std::string, std::string> allocatable;
};

// Errors: `unsupported fieldPath: x`.
Result<std::string> field_value(const DownwardContext& context, std::string_view field_path);
// resource: "limits.cpu" ...; divisor "" is 1 ("1" cpu rounds up to whole cores).
Result<std::string> resource_value(const DownwardContext& context, core_v1::Container container,
                                   std::string_view resource, std::string_view divisor);
// The container (of any kind) of that name; empty view if none.
core_v1::Container find_container(core_v1::PodSpec spec, std::string_view name);

}  // namespace tiphys::kubelet
