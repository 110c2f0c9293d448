// Rules of StatefulSets that are no rows (pkg/apis/apps/validation).
#include <algorithm>
#include <set>

#include "apiserver/validation/checks.h"
#include "apiserver/validation/persistent_volume_claim.h"
#include "apiserver/validation/pod.h"
#include "apiserver/validation/rule_calls.h"
#include "apiserver/validation/workload.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

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

// The template as pods get it: a volume for each claim template, names that the controller gives.
core_v1::PodTemplateSpec as_in_pods(apps_v1::StatefulSetSpec spec, Arena& arena) {
  core_v1::PodTemplateSpec own = spec.template_();
  Node* copy = arena.clone(Value::of_node(ValueType::kStruct, const_cast<Node*>(&own.node()))).node;
  core_v1::PodTemplateSpecEdit edit(arena, *copy);
  core_v1::PodSpecEdit pod = edit.edit_spec();
  pod.clear_subdomain();
  pod.clear_hostname();
  if (spec.volume_claim_templates().empty()) return core_v1::PodTemplateSpec(*copy);
  pod.clear_volumes();
  auto volumes = pod.edit_volumes();
  std::set<std::string_view> names;
  for (core_v1::PersistentVolumeClaim claim : spec.volume_claim_templates()) {
    std::string_view name = claim.metadata().name();
    if (!names.insert(name).second) continue;
    core_v1::VolumeEdit volume = volumes.append();
    volume.set_name(name);
    volume.edit_persistent_volume_claim().set_claim_name(name);
  }
  for (core_v1::Volume volume : own.spec().volumes()) {
    if (!names.contains(volume.name())) volumes.append(volume);
  }
  return core_v1::PodTemplateSpec(*copy);
}

// Whether the old spec would pass today, the fields aside that an update may not touch.
bool was_sound(apps_v1::StatefulSetSpec old) {
  FieldErrors errors;
  validate_part(apps_v1::StatefulSetSpec::message(), old.node(), FieldPath("spec"), errors);
  std::vector<StatusCause> causes = errors.take();
  return std::ranges::all_of(causes, [](const StatusCause& cause) {
    return cause.field == "spec.serviceName" ||
           cause.field.starts_with("spec.volumeClaimTemplates");
  });
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

void call_stateful_set_strategy(const RuleInput& input, FieldErrors& errors) {
  validate_strategy(apps_v1::StatefulSetUpdateStrategy(input.value.as_node()), input.path, errors);
}

void call_claim_templates(const RuleInput& input, FieldErrors& errors) {
  ListView<core_v1::PersistentVolumeClaim> claims(input.value.as_node());
  for (size_t i = 0; i < claims.size(); ++i) {
    validate_claim_spec(claims[i].spec(), {}, input.path.index(i).child("spec"), errors);
  }
}

void call_stateful_set_template(const RuleInput& input, FieldErrors& errors) {
  apps_v1::StatefulSetSpec spec(input.value.as_node());
  FieldPath at = input.path.child("template");
  bool sound = validate_workload_selector(spec.has_selector(), spec.selector(), "statefulset", "",
                                          input.path, errors);
  if (sound) {
    Arena arena;
    core_v1::PodTemplateSpec pods = as_in_pods(spec, arena);
    check_selected(spec.has_selector(), spec.selector(), pods, at, errors);
    core_v1::PodTemplateSpec before;
    if (input.updating()) before = as_in_pods(apps_v1::StatefulSetSpec(input.old.as_node()), arena);
    const core_v1::PodTemplateSpec* old = input.updating() ? &before : nullptr;
    // What was let in before templates were checked may stay.
    if (!old || was_sound(apps_v1::StatefulSetSpec(input.old.as_node())))
      validate_pod_template(pods, at, errors, old);
    validate_template_metadata(pods, at, errors, old);
  }
  check_long_running(spec.template_(), "StatefulSet", at, errors);
}

void call_stateful_set_kept(const RuleInput& input, FieldErrors& errors) {
  if (same_but_for_mutable(apps_v1::StatefulSetSpec(input.value.as_node()),
                           apps_v1::StatefulSetSpec(input.old.as_node())))
    return;
  errors.forbidden(input.path,
                   "updates to statefulset spec for fields other than 'replicas', 'ordinals', "
                   "'template', 'updateStrategy', 'revisionHistoryLimit', "
                   "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden");
}

}  // namespace tiphys::apiserver
