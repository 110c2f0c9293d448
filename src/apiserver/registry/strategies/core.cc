// Strategies of core kinds: pods, services, namespaces, config maps, secrets.
#include "apiserver/registry/strategies/builtin.h"
#include "apiserver/registry/strategies/whole_object.h"
#include "apiserver/validation/pod.h"
#include "apiserver/validation/pod_subresources.h"
#include "apiserver/validation/service.h"
#include "apiserver/validation/workload.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {
namespace {

std::string_view qos_class(core_v1::PodSpec spec);

void prepare_pod(const StrategyContext& context, Draft& object) {
  core_v1::PodEdit pod(object);
  pod.clear_status();
  core_v1::PodStatusEdit status = pod.edit_status();
  status.set_phase("Pending");
  core_v1::Pod view(object);
  status.set_qos_class(qos_class(view.spec()));
}

void create_pod(const StrategyContext&, const Object& object, FieldErrors& errors) {
  validate_pod_create(core_v1::Pod(object), errors);
}

// Old kubelets drop the QoS class, which never changes.
void keep_qos_class(Draft& object, const Object& old) {
  if (!core_v1::Pod(object.root()).status().qos_class().empty()) return;
  core_v1::PodEdit(object).edit_status().set_qos_class(core_v1::Pod(old).status().qos_class());
}

void prepare_pod_update(const StrategyContext& context, Draft& object, const Object& old) {
  if (context.subresource == "ephemeralcontainers") keep_ephemeral_containers_only(object, old);
  if (context.subresource == "resize") keep_resources_only(object, old);
  if (context.subresource == "status") keep_qos_class(object, old);
}

void update_pod(const StrategyContext& context, const Object& object, const Object& old,
                FieldErrors& errors) {
  core_v1::Pod pod(object);
  core_v1::Pod before(old);
  if (context.subresource.empty()) validate_pod_update(pod, before, errors);
  if (context.subresource == "status") validate_pod_status_update(pod, before, errors);
  if (context.subresource == "ephemeralcontainers") {
    validate_ephemeral_containers_update(pod, before, errors);
  }
  if (context.subresource == "resize") validate_pod_resize(pod, before, errors);
}

int64_t pod_grace_period(const Object& object, int64_t requested) {
  core_v1::Pod pod(object);
  int64_t period = requested >= 0 ? requested : pod.spec().termination_grace_period_seconds();
  bool ended = pod.status().phase() == "Succeeded" || pod.status().phase() == "Failed";
  // A pod that no node has, or that has ended, needs no grace.
  if (pod.spec().node_name().empty() || ended) period = 0;
  return period < 0 ? 1 : period;
}

// Sums of the resource lists decide; only cpu and memory count.
struct Amounts {
  bool any = false;
  bool guaranteed = true;
};

void add_container(core_v1::Container container, Amounts& amounts) {
  for (std::string_view name : {"cpu", "memory"}) {
    std::string_view limit = container.resources().limits().find(name);
    std::string_view request = container.resources().requests().find(name);
    bool has_limit = !limit.empty() && limit != "0";
    bool has_request = !request.empty() && request != "0";
    amounts.any = amounts.any || has_limit || has_request;
    // Requests default to limits before this runs.
    amounts.guaranteed = amounts.guaranteed && has_limit && limit == request;
  }
}

std::string_view qos_class(core_v1::PodSpec spec) {
  Amounts amounts;
  for (core_v1::Container container : spec.containers()) add_container(container, amounts);
  for (core_v1::Container container : spec.init_containers()) add_container(container, amounts);
  if (!amounts.any) return "BestEffort";
  return amounts.guaranteed ? "Guaranteed" : "Burstable";
}

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

void validate_service_object(const StrategyContext&, const Object& object, FieldErrors& errors) {
  validate_service(core_v1::Service(object), errors);
}

void update_service(const StrategyContext&, const Object& object, const Object& old,
                    FieldErrors& errors) {
  validate_service_update(core_v1::Service(object), core_v1::Service(old), errors);
}

}  // namespace

Strategy pod_strategy() {
  return {.prepare_for_create = prepare_pod,
          .prepare_for_update = prepare_pod_update,
          .validate = create_pod,
          .validate_update = update_pod,
          .grace_period = pod_grace_period};
}

Strategy service_strategy() {
  return {.validate = validate_service_object,
          .validate_update = update_service,
          .allow_create_on_update = true};
}

Strategy config_map_strategy() {
  return {
      .validate =
          [](const StrategyContext&, const Object& object, FieldErrors& errors) {
            validate_config_map(core_v1::ConfigMap(object), errors);
          },
      .validate_update =
          [](const StrategyContext&, const Object& object, const Object& old, FieldErrors& errors) {
            validate_config_map_update(core_v1::ConfigMap(object), core_v1::ConfigMap(old), errors);
          }};
}

Strategy secret_strategy() {
  return {
      .prepare_for_create = prepare_secret,
      .prepare_for_update = prepare_secret_update,
      .validate = [](const StrategyContext&, const Object& object,
                     FieldErrors& errors) { validate_secret(core_v1::Secret(object), errors); },
      .validate_update =
          [](const StrategyContext&, const Object& object, const Object& old, FieldErrors& errors) {
            validate_secret_update(core_v1::Secret(object), core_v1::Secret(old), errors);
          }};
}

Strategy replication_controller_strategy() {
  return whole_object<core_v1::ReplicationController, validate_replication_controller>();
}

Strategy pod_template_strategy() {
  return whole_object<core_v1::PodTemplate, validate_pod_template_object>();
}

}  // namespace tiphys::apiserver
