// Validation of StatefulSets.
#include "apiserver/validation/checks.h"
#include "apiserver/validation/persistent_volume_claim.h"
#include "apiserver/validation/pod.h"
#include "apiserver/validation/workload.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kRetentions[] = {"Retain", "Delete"};

template <class ViewType>
std::string json_of(ViewType view) {
  std::string json;
  codec::encode_json(ViewType::message_type(), view.node(), json);
  return json;
}

void validate_rolling_update(apps_v1::RollingUpdateStatefulSetStrategy rolling,
                             const FieldPath& path, FieldErrors& errors) {
  check_not_negative(rolling.partition(), path.child("partition"), errors);
  if (!rolling.has_max_unavailable()) return;
  Value limit = rolling.max_unavailable();
  FieldPath at = path.child("maxUnavailable");
  check_number_or_percent(limit, at, errors);
  if (is_zero_or_percent(limit)) {
    errors.invalid_raw(at, limit.type == ValueType::kString ? "\"0%\"" : "0", "cannot be 0");
  }
  check_at_most_all(limit, at, errors);
}

void validate_strategy(apps_v1::StatefulSetUpdateStrategy strategy, const FieldPath& path,
                       FieldErrors& errors) {
  std::string_view type = strategy.type();
  if (type.empty()) {
    errors.required(path);
  } else if (type == "OnDelete") {
    if (!strategy.has_rolling_update()) return;
    errors.invalid_raw(path.child("rollingUpdate"), json_of(strategy.rolling_update()),
                       "only allowed for updateStrategy 'RollingUpdate'");
  } else if (type == "RollingUpdate") {
    validate_rolling_update(strategy.rolling_update(), path.child("rollingUpdate"), errors);
  } else {
    errors.invalid_raw(path, json_of(strategy), "must be 'RollingUpdate' or 'OnDelete'");
  }
}

void validate_management(std::string_view policy, const FieldPath& path, FieldErrors& errors) {
  if (policy.empty()) {
    errors.required(path);
  } else if (policy != "OrderedReady" && policy != "Parallel") {
    errors.invalid(path, policy, "must be 'OrderedReady' or 'Parallel'");
  }
}

void validate_retention(apps_v1::StatefulSetSpec spec, const FieldPath& path, FieldErrors& errors) {
  if (!spec.has_persistent_volume_claim_retention_policy()) return;
  auto policy = spec.persistent_volume_claim_retention_policy();
  check_supported(policy.when_deleted(), kRetentions, path.child("whenDeleted"), errors);
  check_supported(policy.when_scaled(), kRetentions, path.child("whenScaled"), errors);
}

// The template with a volume for each claim template, as pods get them.
core_v1::PodTemplateSpec with_claims(apps_v1::StatefulSetSpec spec, Arena& arena) {
  core_v1::PodTemplateSpec own = spec.template_();
  Node* copy = arena.clone(Value::of_node(ValueType::kStruct, const_cast<Node*>(&own.node()))).node;
  core_v1::PodTemplateSpecEdit edit(arena, *copy);
  for (core_v1::PersistentVolumeClaim claim : spec.volume_claim_templates()) {
    std::string_view name = claim.metadata().name();
    auto volumes = edit.edit_spec().edit_volumes();
    for (size_t i = volumes.size(); i > 0; --i) {
      if (volumes[i - 1].view().name() == name) volumes.erase(i - 1);
    }
    core_v1::VolumeEdit volume = volumes.append();
    volume.set_name(name);
    volume.edit_persistent_volume_claim().set_claim_name(name);
  }
  return core_v1::PodTemplateSpec(*copy);
}

void validate_template(apps_v1::StatefulSetSpec spec, const apps_v1::StatefulSetSpec* old,
                       const FieldPath& path, FieldErrors& errors) {
  Arena arena;
  if (!old) {
    validate_pod_template(with_claims(spec, arena), path, errors);
    return;
  }
  core_v1::PodTemplateSpec before = with_claims(*old, arena);
  FieldErrors then;
  validate_pod_template(before, path, then);
  // What was let in before templates were checked may stay.
  if (then.empty()) validate_pod_template(with_claims(spec, arena), path, errors, &before);
}

void validate_claims(apps_v1::StatefulSetSpec spec, const FieldPath& path, FieldErrors& errors) {
  for (size_t i = 0; i < spec.volume_claim_templates().size(); ++i) {
    validate_claim_spec(spec.volume_claim_templates()[i].spec(), {}, path.index(i).child("spec"),
                        errors);
  }
}

bool has_bad_claims(apps_v1::StatefulSetSpec spec) {
  FieldErrors errors;
  validate_claims(spec, FieldPath(), errors);
  return !errors.empty();
}

bool has_bad_service_name(apps_v1::StatefulSetSpec spec) {
  return !spec.service_name().empty() && !check_dns1123_label(spec.service_name()).empty();
}

// What was let in before it was checked may stay.
void validate_tightened(apps_v1::StatefulSetSpec spec, const apps_v1::StatefulSetSpec* old,
                        const FieldPath& path, FieldErrors& errors) {
  if (!old || !has_bad_claims(*old)) {
    validate_claims(spec, path.child("volumeClaimTemplates"), errors);
  }
  if (has_bad_service_name(spec) && (!old || !has_bad_service_name(*old))) {
    errors.invalid_all(path.child("serviceName"), spec.service_name(),
                       check_dns1123_label(spec.service_name()));
  }
}

bool same_but_for_mutable(apps_v1::StatefulSetSpec now, apps_v1::StatefulSetSpec before) {
  auto fixed = [](apps_v1::StatefulSetSpec spec, Arena& arena) {
    Node* copy =
        arena.clone(Value::of_node(ValueType::kStruct, const_cast<Node*>(&spec.node()))).node;
    apps_v1::StatefulSetSpecEdit edit(arena, *copy);
    edit.clear_replicas();
    edit.clear_ordinals();
    edit.clear_template();
    edit.clear_update_strategy();
    edit.clear_min_ready_seconds();
    edit.clear_revision_history_limit();
    edit.clear_persistent_volume_claim_retention_policy();
    return apps_v1::StatefulSetSpec(*copy);
  };
  Arena arena;
  return equal(fixed(now, arena), fixed(before, arena));
}

}  // namespace

void validate_stateful_set(apps_v1::StatefulSet stateful_set, const apps_v1::StatefulSet* old,
                           FieldErrors& errors) {
  FieldPath path("spec");
  apps_v1::StatefulSetSpec spec = stateful_set.spec();
  apps_v1::StatefulSetSpec before = old ? old->spec() : apps_v1::StatefulSetSpec();
  validate_management(spec.pod_management_policy(), path.child("podManagementPolicy"), errors);
  validate_strategy(spec.update_strategy(), path.child("updateStrategy"), errors);
  validate_retention(spec, path.child("persistentVolumeClaimRetentionPolicy"), errors);
  if (spec.ordinals().start() < 0) {
    check_not_negative(spec.ordinals().start(), path.child("ordinals.start"), errors);
  }
  validate_tightened(spec, old ? &before : nullptr, path, errors);
  FieldPath at = path.child("template");
  bool sound = validate_workload_selector(spec.has_selector(), spec.selector(), "statefulset", "",
                                          path, errors);
  if (sound) {
    check_selected(spec.has_selector(), spec.selector(), spec.template_(), at, errors);
    validate_template(spec, old ? &before : nullptr, at, errors);
  }
  check_long_running(spec.template_(), "StatefulSet", at, errors);
  if (old && !same_but_for_mutable(spec, before)) {
    errors.forbidden(path,
                     "updates to statefulset spec for fields other than 'replicas', 'ordinals', "
                     "'template', 'updateStrategy', 'revisionHistoryLimit', "
                     "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden");
  }
}

}  // namespace tiphys::apiserver
