// Strategies of core kinds but pods and namespaces.
#include "apiserver/registry/strategies/builtin.h"
#include "apiserver/registry/strategies/whole_object.h"
#include "apiserver/validation/event.h"
#include "apiserver/validation/node_object.h"
#include "apiserver/validation/persistent_volume.h"
#include "apiserver/validation/persistent_volume_claim.h"
#include "apiserver/validation/pod.h"
#include "apiserver/validation/quota.h"
#include "apiserver/validation/secret.h"
#include "apiserver/validation/service.h"
#include "apiserver/validation/workload.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kSnapshotGroup = "snapshot.storage.k8s.io";

// stringData is a way to write data: it is merged into it and never stored.
void merge_string_data(Draft& object) {
  core_v1::SecretEdit secret(object);
  if (!secret.view().has_string_data()) return;
  auto data = secret.edit_data();
  for (auto [key, value] : secret.view().string_data()) data.set(key, value);
  secret.clear_string_data();
}

void prepare_secret(const StrategyContext&, Draft& object) { merge_string_data(object); }

void prepare_secret_update(const StrategyContext&, Draft& object, const Object&) {
  merge_string_data(object);
}

// A claim's dataSource and dataSourceRef say the same. The old field takes claims and snapshots
// only (KEP-1495); a reference into another namespace has no old form.
void normalize_data_sources(core_v1::PersistentVolumeClaimSpecEdit spec, bool keep_any) {
  auto source = spec.view().data_source();
  bool known = (source.kind() == "PersistentVolumeClaim" && source.api_group().empty()) ||
               (source.kind() == "VolumeSnapshot" && source.api_group() == kSnapshotGroup);
  bool has_reference = spec.view().has_data_source_ref();
  if (spec.view().has_data_source() && !known && !keep_any && !has_reference) {
    spec.clear_data_source();
  }
  auto copy = [](auto to, auto from) {
    to.set_kind(from.kind());
    to.set_name(from.name());
    if (from.has_api_group()) to.set_api_group(from.api_group());
  };
  auto reference = spec.view().data_source_ref();
  if (spec.view().has_data_source() && !has_reference) {
    copy(spec.edit_data_source_ref(), spec.view().data_source());
  } else if (has_reference && !spec.view().has_data_source() && reference.namespace_().empty()) {
    copy(spec.edit_data_source(), reference);
  }
}

void prepare_claim(const StrategyContext&, Draft& object) {
  normalize_data_sources(core_v1::PersistentVolumeClaimEdit(object).edit_spec(), false);
}

void prepare_claim_update(const StrategyContext& context, Draft& object, const Object& old) {
  if (!context.subresource.empty()) return;
  bool had_source = core_v1::PersistentVolumeClaim(old).spec().has_data_source();
  normalize_data_sources(core_v1::PersistentVolumeClaimEdit(object).edit_spec(), had_source);
}

// Kubelets are not configured through the API any more; old nodes may still say so.
void drop_dynamic_config(Draft& object, core_v1::Node old) {
  core_v1::Node view(object.root());
  core_v1::NodeEdit node(object);
  if (view.spec().has_config_source() && !old.spec().has_config_source()) {
    node.edit_spec().clear_config_source();
  }
  if (view.status().has_config() && !old.status().has_config()) node.edit_status().clear_config();
}

void prepare_node(const StrategyContext&, Draft& object) {
  drop_dynamic_config(object, core_v1::Node());
}

void prepare_node_update(const StrategyContext&, Draft& object, const Object& old) {
  drop_dynamic_config(object, core_v1::Node(old));
}

void check_event(const StrategyContext& context, const Object& object, const Object* old,
                 FieldErrors& errors) {
  bool legacy = context.resource->group.empty();
  core_v1::Event before;
  if (old) before = core_v1::Event(*old);
  validate_event(core_v1::Event(object), legacy, old ? &before : nullptr, errors);
}

}  // namespace

Strategy service_strategy() {
  return whole_object<core_v1::Service, validate_service, validate_service_status>();
}

Strategy config_map_strategy() { return whole_object<core_v1::ConfigMap, validate_config_map>(); }

Strategy secret_strategy() {
  Strategy strategy = whole_object<core_v1::Secret, validate_secret>();
  strategy.prepare_for_create = prepare_secret;
  strategy.prepare_for_update = prepare_secret_update;
  return strategy;
}

Strategy replication_controller_strategy() {
  return whole_object<core_v1::ReplicationController, validate_replication_controller>();
}

Strategy pod_template_strategy() {
  return whole_object<core_v1::PodTemplate, validate_pod_template_object>();
}

Strategy persistent_volume_strategy() {
  return whole_object<core_v1::PersistentVolume, validate_persistent_volume>();
}

Strategy persistent_volume_claim_strategy() {
  Strategy strategy =
      whole_object<core_v1::PersistentVolumeClaim, validate_claim, validate_claim_status>();
  strategy.prepare_for_create = prepare_claim;
  strategy.prepare_for_update = prepare_claim_update;
  return strategy;
}

Strategy limit_range_strategy() {
  return whole_object<core_v1::LimitRange, validate_limit_range>();
}

Strategy resource_quota_strategy() {
  return whole_object<core_v1::ResourceQuota, validate_resource_quota,
                      validate_resource_quota_status>();
}

Strategy node_strategy() {
  Strategy strategy = whole_object<core_v1::Node, validate_node, validate_node>();
  strategy.prepare_for_create = prepare_node;
  strategy.prepare_for_update = prepare_node_update;
  return strategy;
}

Strategy event_strategy() {
  return {
      .validate = [](const StrategyContext& context, const Object& object,
                     FieldErrors& errors) { check_event(context, object, nullptr, errors); },
      .validate_update = [](const StrategyContext& context, const Object& object, const Object& old,
                            FieldErrors& errors) { check_event(context, object, &old, errors); }};
}

}  // namespace tiphys::apiserver
