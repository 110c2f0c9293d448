// DynamicResources: dynamic resource allocation (DRA) isn't here yet. A pod that asks for devices
// by spec.resourceClaims is refused rather than placed as if it asked for none.
#include "scheduler/plugins/plugins.h"

namespace tiphys::scheduler {
namespace {

Preparation make(const Query& query) {
  if (!query.pod.has_resource_claims) return nullptr;
  return Preparation::refuse(
      "spec.resourceClaims: this scheduler can't allocate ResourceClaims (plugin "
      "DynamicResources)");
}

}  // namespace

constinit const Plugin kDynamicResources = {.name = "DynamicResources", .make_checker = make};

}  // namespace tiphys::scheduler
