#include "controllers/stateful_pod.h"

#include "base/strings.h"
#include "controllers/controller_revision.h"
#include "controllers/pod_state.h"
#include "kinds/metadata.h"

namespace tiphys::controllers {

namespace {

void put_identity(const apps_v1::StatefulSet& set, core_v1::PodEdit pod, int64_t ordinal) {
  std::string name = stateful_pod_name(set.metadata().name(), ordinal);
  pod.edit_metadata().set_name(name);
  pod.edit_metadata().edit_labels().set(kStatefulPodName, name);
  pod.edit_metadata().edit_labels().set(kPodIndex, std::to_string(ordinal));
}

// A volume for each claim template; those of the pod's own that have such a name give way.
void put_storage(const apps_v1::StatefulSet& set, core_v1::PodSpecEdit spec, int64_t ordinal) {
  if (set.spec().volume_claim_templates().empty()) return;
  Draft own(core_v1::PodSpec::message());
  core_v1::PodSpecEdit(own).set_volumes(spec.view().volumes());
  spec.clear_volumes();
  for (core_v1::PersistentVolumeClaim claim : set.spec().volume_claim_templates()) {
    core_v1::VolumeEdit volume = spec.edit_volumes().append();
    volume.set_name(claim.metadata().name());
    volume.edit_persistent_volume_claim().set_claim_name(
        stateful_claim_name(claim, set.metadata().name(), ordinal));
  }
  size_t claims = spec.view().volumes().size();
  for (core_v1::Volume volume : core_v1::PodSpec(own).volumes()) {
    bool replaced = false;
    for (size_t i = 0; i < claims; ++i) {
      replaced = replaced || spec.view().volumes()[i].name() == volume.name();
    }
    if (!replaced) spec.edit_volumes().append(volume);
  }
}

}  // namespace

std::string stateful_pod_name(std::string_view set_name, int64_t ordinal) {
  return std::string(set_name) + "-" + std::to_string(ordinal);
}

std::optional<StatefulPodName> parse_stateful_pod_name(std::string_view name) {
  size_t dash = name.rfind('-');
  if (dash == std::string_view::npos) return std::nullopt;
  std::string_view digits = name.substr(dash + 1);
  std::optional<int64_t> ordinal = parse_int(digits);
  if (!ordinal || *ordinal < 0 || std::to_string(*ordinal) != digits) return std::nullopt;
  return StatefulPodName{name.substr(0, dash), *ordinal};
}

std::optional<int64_t> ordinal_of(std::string_view set_name, const Object& pod) {
  std::optional<StatefulPodName> name = parse_stateful_pod_name(name_of(pod));
  if (!name || name->set != set_name) return std::nullopt;
  return name->ordinal;
}

std::string stateful_claim_name(const core_v1::PersistentVolumeClaim& claim_template,
                                std::string_view set_name, int64_t ordinal) {
  return std::string(claim_template.metadata().name()) + "-" + stateful_pod_name(set_name, ordinal);
}

ObjectPtr new_stateful_pod(const Object& set, const core_v1::PodTemplateSpec& pod_template,
                           std::string_view revision, int64_t ordinal) {
  apps_v1::StatefulSet view(set);
  Draft draft(*pod_from_template(pod_template, set));
  core_v1::PodEdit pod(draft);
  pod.edit_metadata().clear_generate_name();
  put_identity(view, pod, ordinal);
  pod.edit_metadata().edit_labels().set(kPodRevisionLabel, revision);
  pod.edit_spec().set_hostname(pod.view().metadata().name());
  pod.edit_spec().set_subdomain(view.spec().service_name());
  put_storage(view, pod.edit_spec(), ordinal);
  return draft.freeze();
}

bool identity_matches(const core_v1::Pod& pod) {
  return pod.metadata().labels().find(kStatefulPodName) == pod.metadata().name();
}

bool storage_matches(const apps_v1::StatefulSet& set, const core_v1::Pod& pod, int64_t ordinal) {
  for (core_v1::PersistentVolumeClaim claim : set.spec().volume_claim_templates()) {
    std::string wanted = stateful_claim_name(claim, set.metadata().name(), ordinal);
    bool found = false;
    for (core_v1::Volume volume : pod.spec().volumes()) {
      if (volume.name() != claim.metadata().name()) continue;
      found = volume.persistent_volume_claim().claim_name() == wanted;
    }
    if (!found) return false;
  }
  return true;
}

ObjectPtr repaired_pod(const apps_v1::StatefulSet& set, const Object& pod, int64_t ordinal) {
  Draft draft(pod);
  core_v1::PodEdit edit(draft);
  put_identity(set, edit, ordinal);
  if (!storage_matches(set, edit.view(), ordinal)) put_storage(set, edit.edit_spec(), ordinal);
  return draft.freeze();
}

}  // namespace tiphys::controllers
