// What the kubelet has promised to the containers of a pod, apart from what its spec asks for by
// now. Pure. After upstream's pkg/kubelet/allocation; KEP-1287 (in-place resize).
#pragma once
#include <map>
#include <string>

#include "kubelet/pods/model.h"

namespace tiphys::kubelet {

// Requests and limits, by resource.
struct Amounts {
  std::map<std::string, std::string, std::less<>> requests;
  std::map<std::string, std::string, std::less<>> limits;
};
// By container name. Init containers that end are not in it: they can't be resized.
using Allocation = std::map<std::string, Amounts, std::less<>>;

Amounts amounts_of(core_v1::ResourceRequirements resources);
// 1 and 1000m are the same.
bool same_amounts(const Amounts& a, const Amounts& b);
bool same_allocation(const Allocation& a, const Allocation& b);
// What the spec asks for.
Allocation wanted_allocation(core_v1::PodSpec spec);
// What its status says that a running pod has; what it doesn't say is as the spec has it.
Allocation shown_allocation(core_v1::Pod pod);
// The pod with these resources in its spec; itself, if it has them. Containers that aren't in the
// allocation are left alone.
ObjectPtr with_allocation(const ObjectPtr& pod, const Allocation& allocation);

// {"containers":[{"name":"c","resources":{...}}],"generation":2,"error":"..."} as events about
// resizes say it.
std::string resize_summary(core_v1::Pod pod, int64_t generation, std::string_view error);

}  // namespace tiphys::kubelet
