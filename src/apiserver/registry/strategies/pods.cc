// The strategy of pods: what the server sets at creation, and what may change where.
#include "kinds/pods.h"
#include "apiserver/registry/meta.h"
#include "apiserver/registry/strategies/builtin.h"
#include "apiserver/validation/pod.h"
#include "apiserver/validation/pod_subresources.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {
namespace {

// A gated pod says from the first moment why it is not scheduled.
void add_gated_condition(core_v1::PodEdit pod, MicroTime now) {
  if (pod.view().spec().scheduling_gates().empty()) return;
  core_v1::PodConditionEdit condition = pod.edit_status().edit_conditions().append();
  condition.set_type("PodScheduled");
  condition.set_status("False");
  condition.set_reason("SchedulingGated");
  condition.set_message("Scheduling is blocked due to non-empty scheduling gates");
  condition.set_last_transition_time(whole_seconds(now));
}

// What matchLabelKeys (In) and mismatchLabelKeys (NotIn) mean for this pod's labels becomes part of
// the selector (KEP-3633, KEP-3243). A null selector selects nothing, and stays.
template <class TermEdit>
void merge_keys(TermEdit term, const ListView<std::string_view>& keys, std::string_view op,
                const MapView<std::string_view>& labels) {
  if (!term.view().has_label_selector()) return;
  for (std::string_view key : keys) {
    if (!labels.contains(key)) continue;
    auto requirement = term.edit_label_selector().edit_match_expressions().append();
    requirement.set_key(key);
    requirement.set_operator(op);
    requirement.edit_values().append(labels.find(key));
  }
}

void merge_term(core_v1::PodAffinityTermEdit term, const MapView<std::string_view>& labels) {
  merge_keys(term, term.view().match_label_keys(), "In", labels);
  merge_keys(term, term.view().mismatch_label_keys(), "NotIn", labels);
}

// PodAffinity and PodAntiAffinity have the same fields.
template <class AffinityEdit>
void merge_terms(AffinityEdit affinity, const MapView<std::string_view>& labels) {
  if (affinity.view().has_required_during_scheduling_ignored_during_execution()) {
    auto terms = affinity.edit_required_during_scheduling_ignored_during_execution();
    for (size_t i = 0; i < terms.size(); ++i) merge_term(terms[i], labels);
  }
  if (affinity.view().has_preferred_during_scheduling_ignored_during_execution()) {
    auto terms = affinity.edit_preferred_during_scheduling_ignored_during_execution();
    for (size_t i = 0; i < terms.size(); ++i) {
      merge_term(terms[i].edit_pod_affinity_term(), labels);
    }
  }
}

void merge_label_keys(core_v1::PodEdit pod) {
  MapView<std::string_view> labels = pod.view().metadata().labels();
  core_v1::PodSpec spec = pod.view().spec();
  if (spec.affinity().has_pod_affinity()) {
    merge_terms(pod.edit_spec().edit_affinity().edit_pod_affinity(), labels);
  }
  if (spec.affinity().has_pod_anti_affinity()) {
    merge_terms(pod.edit_spec().edit_affinity().edit_pod_anti_affinity(), labels);
  }
  if (!spec.has_topology_spread_constraints()) return;
  auto constraints = pod.edit_spec().edit_topology_spread_constraints();
  for (size_t i = 0; i < constraints.size(); ++i) {
    merge_keys(constraints[i], constraints[i].view().match_label_keys(), "In", labels);
  }
}

constexpr std::string_view kAppArmor = "container.apparmor.security.beta.kubernetes.io/";
constexpr std::string_view kLocalhost = "localhost/";

// The field that an old annotation stands for; false: none.
bool read_profile(std::string_view annotation, core_v1::AppArmorProfileEdit profile) {
  if (annotation == "unconfined") {
    profile.set_type("Unconfined");
  } else if (annotation == "runtime/default") {
    profile.set_type("RuntimeDefault");
  } else if (annotation.starts_with(kLocalhost)) {
    profile.set_type("Localhost");
    profile.set_localhost_profile(annotation.substr(kLocalhost.size()));
  } else {
    return false;
  }
  return profile.view().type() != "Localhost" || !profile.view().localhost_profile().empty();
}

void take_app_armor(core_v1::PodEdit pod, core_v1::ContainerEdit container,
                    std::vector<std::string>* warnings) {
  std::string key = std::string(kAppArmor) + std::string(container.view().name());
  MapView<std::string_view> annotations = pod.view().metadata().annotations();
  if (!annotations.contains(key) || container.view().security_context().has_app_armor_profile()) {
    return;
  }
  Draft made = core_v1::Pod::make();
  auto context = core_v1::PodEdit(made).edit_spec().edit_security_context();
  bool valid = read_profile(annotations.find(key), context.edit_app_armor_profile());
  core_v1::AppArmorProfile profile = context.view().app_armor_profile();
  core_v1::PodSecurityContext whole = pod.view().spec().security_context();
  bool same = valid && whole.has_app_armor_profile() && equal(profile, whole.app_armor_profile());
  if (same) return;
  if (valid) container.edit_security_context().set_app_armor_profile(profile);
  if (!warnings) return;
  warnings->push_back("metadata.annotations[" + key +
                      "]: deprecated since v1.30; use the \"appArmorProfile\" field instead");
}

// KEP-24: kubelets read the field only.
void take_app_armor(core_v1::PodEdit pod, std::vector<std::string>* warnings) {
  core_v1::PodSpec spec = pod.view().spec();
  if (spec.os().name() == "windows" || pod.view().metadata().annotations().empty()) return;
  if (!spec.init_containers().empty()) {
    auto list = pod.edit_spec().edit_init_containers();
    for (size_t i = 0; i < list.size(); ++i) take_app_armor(pod, list[i], warnings);
  }
  if (spec.containers().empty()) return;
  auto list = pod.edit_spec().edit_containers();
  for (size_t i = 0; i < list.size(); ++i) take_app_armor(pod, list[i], warnings);
}

void prepare_pod(const StrategyContext& context, Draft& object) {
  core_v1::PodEdit pod(object);
  pod.clear_status();
  core_v1::PodStatusEdit status = pod.edit_status();
  status.set_phase("Pending");
  core_v1::Pod view(object);
  status.set_qos_class(kinds::qos_class(view.spec()));
  add_gated_condition(pod, context.now);
  merge_label_keys(pod);
  take_app_armor(pod, context.warnings);
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
  if (context.subresource != "status") return;
  keep_qos_class(object, old);
  // Old kubelets send owners in a way that breaks garbage collection.
  MetaEdit(object).copy("ownerReferences", MetaView(old));
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

}  // namespace

Strategy pod_strategy() {
  return {.prepare_for_create = prepare_pod,
          .prepare_for_update = prepare_pod_update,
          .validate = create_pod,
          .validate_update = update_pod,
          .grace_period = pod_grace_period};
}

}  // namespace tiphys::apiserver
