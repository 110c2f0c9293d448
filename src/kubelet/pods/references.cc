#include "kubelet/pods/references.h"

#include <algorithm>

namespace tiphys::kubelet {
namespace {

template <class Container>
void add_environment(Container container, References& out) {
  for (core_v1::EnvVar variable : container.env()) {
    core_v1::EnvVarSource from = variable.value_from();
    if (from.has_config_map_key_ref()) out.config_maps.emplace(from.config_map_key_ref().name());
    if (from.has_secret_key_ref()) out.secrets.emplace(from.secret_key_ref().name());
  }
  for (core_v1::EnvFromSource from : container.env_from()) {
    if (from.has_config_map_ref()) out.config_maps.emplace(from.config_map_ref().name());
    if (from.has_secret_ref()) out.secrets.emplace(from.secret_ref().name());
  }
}

void add_volume(core_v1::Volume volume, References& out) {
  if (volume.has_config_map()) out.config_maps.emplace(volume.config_map().name());
  if (volume.has_secret()) out.secrets.emplace(volume.secret().secret_name());
  for (core_v1::VolumeProjection source : volume.projected().sources()) {
    if (source.has_config_map()) out.config_maps.emplace(source.config_map().name());
    if (source.has_secret()) out.secrets.emplace(source.secret().name());
    if (source.has_service_account_token()) out.service_account_tokens = true;
  }
}

template <class T>
Result<T> find(const std::map<std::string, Result<ObjectPtr>, std::less<>>& objects,
               std::string_view name, std::string_view kind) {
  auto found = objects.find(name);
  if (found == objects.end() || (!found->second && found->second.error().is_not_found())) {
    return ApiStatus(404, "NotFound",
                     std::string(kind) + " \"" + std::string(name) + "\" not found");
  }
  if (!found->second) return found->second.error();
  return T(**found->second);
}

}  // namespace

References pod_references(core_v1::PodSpec spec) {
  References out;
  for (core_v1::Container container : spec.init_containers()) add_environment(container, out);
  for (core_v1::Container container : spec.containers()) add_environment(container, out);
  for (core_v1::EphemeralContainer c : spec.ephemeral_containers()) add_environment(c, out);
  for (core_v1::Volume volume : spec.volumes()) add_volume(volume, out);
  for (core_v1::LocalObjectReference pull : spec.image_pull_secrets()) {
    out.secrets.emplace(pull.name());
  }
  out.secrets.erase("");
  out.config_maps.erase("");
  return out;
}

bool covers(const Fetched& fetched, const References& references) {
  auto all = [](const auto& objects, const std::set<std::string>& names) {
    return std::all_of(names.begin(), names.end(),
                       [&](const std::string& name) { return objects.contains(name); });
  };
  return all(fetched.config_maps, references.config_maps) &&
         all(fetched.secrets, references.secrets);
}

Result<core_v1::ConfigMap> find_config_map(const Fetched& fetched, std::string_view name) {
  return find<core_v1::ConfigMap>(fetched.config_maps, name, "configmap");
}

Result<core_v1::Secret> find_secret(const Fetched& fetched, std::string_view name) {
  return find<core_v1::Secret>(fetched.secrets, name, "secret");
}

}  // namespace tiphys::kubelet
