// What a pod's node has to read on its behalf: names of secrets, config maps, claims. Pure.
// Upstream: pkg/api/v1/pod/util.go (VisitPodSecretNames and its like).
#pragma once
#include <set>
#include <string>

#include "kinds/core_v1.h"

namespace tiphys::kinds {

struct PodReferences {
  std::set<std::string> secrets;
  std::set<std::string> config_maps;
  std::set<std::string> claims;  // persistent volume claims, ephemeral volumes' too
  std::set<std::string> resource_claims;
};

PodReferences references_of(const core_v1::Pod& pod);

}  // namespace tiphys::kinds
