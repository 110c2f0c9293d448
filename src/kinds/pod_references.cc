#include "kinds/pod_references.h"

namespace tiphys::kinds {
namespace {

void add(std::set<std::string>& names, std::string_view name) {
  if (!name.empty()) names.emplace(name);
}

// Volume plugins call their credentials secretRef, nodePublishSecretRef and so on: every field of a
// volume source that is named so and holds a LocalObjectReference.
void add_secret_refs(const schema::Message& type, const Node& node, std::set<std::string>& out) {
  for (const Value& value : node.items()) {
    const schema::Field& field = type.fields[value.field];
    if (field.kind != schema::FieldKind::kMessage || field.shape != schema::Shape::kSingular) {
      continue;
    }
    if (field.message == &core_v1::LocalObjectReference::message() &&
        field.name.ends_with("ecretRef")) {
      add(out, core_v1::LocalObjectReference(value.as_node()).name());
    } else {
      add_secret_refs(*field.message, value.as_node(), out);
    }
  }
}

void add_volume(const core_v1::Pod& pod, const core_v1::Volume& volume, PodReferences& out) {
  add_secret_refs(core_v1::Volume::message(), volume.node(), out.secrets);
  add(out.secrets, volume.secret().secret_name());
  add(out.secrets, volume.azure_file().secret_name());
  add(out.config_maps, volume.config_map().name());
  add(out.claims, volume.persistent_volume_claim().claim_name());
  if (volume.has_ephemeral()) {
    add(out.claims, std::string(pod.metadata().name()) + "-" + std::string(volume.name()));
  }
  for (const auto& source : volume.projected().sources()) {
    add(out.secrets, source.secret().name());
    add(out.config_maps, source.config_map().name());
  }
}

// Containers, init containers and ephemeral ones share these fields by name.
template <class List>
void add_environment(const List& containers, PodReferences& out) {
  for (const auto& container : containers) {
    for (const auto& source : container.env_from()) {
      add(out.secrets, source.secret_ref().name());
      add(out.config_maps, source.config_map_ref().name());
    }
    for (const auto& variable : container.env()) {
      add(out.secrets, variable.value_from().secret_key_ref().name());
      add(out.config_maps, variable.value_from().config_map_key_ref().name());
    }
  }
}

}  // namespace

PodReferences references_of(const core_v1::Pod& pod) {
  PodReferences out;
  core_v1::PodSpec spec = pod.spec();
  for (const auto& reference : spec.image_pull_secrets()) add(out.secrets, reference.name());
  for (const auto& volume : spec.volumes()) add_volume(pod, volume, out);
  add_environment(spec.containers(), out);
  add_environment(spec.init_containers(), out);
  add_environment(spec.ephemeral_containers(), out);
  for (const auto& claim : spec.resource_claims())
    add(out.resource_claims, claim.resource_claim_name());
  for (const auto& status : pod.status().resource_claim_statuses()) {
    add(out.resource_claims, status.resource_claim_name());
  }
  return out;
}

}  // namespace tiphys::kinds
