// The ConfigMaps and Secrets that a pod refers to, and what was fetched of them. Pure.
#pragma once
#include <map>
#include <set>
#include <string>

#include "kubelet/pods/model.h"

namespace tiphys::kubelet {

struct References {
  std::set<std::string> config_maps;
  std::set<std::string> secrets;
  bool service_account_tokens = false;
};
References pod_references(core_v1::PodSpec spec);

struct Fetched {
  std::map<std::string, Result<ObjectPtr>, std::less<>> config_maps;
  std::map<std::string, Result<ObjectPtr>, std::less<>> secrets;
};
// Whether everything was asked for.
bool covers(const Fetched& fetched, const References& references);
// Error if it isn't there: 'configmap "a" not found' (upstream's words in messages).
Result<core_v1::ConfigMap> find_config_map(const Fetched& fetched, std::string_view name);
Result<core_v1::Secret> find_secret(const Fetched& fetched, std::string_view name);

}  // namespace tiphys::kubelet
