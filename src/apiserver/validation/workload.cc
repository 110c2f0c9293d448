#include "apiserver/validation/workload.h"

#include "apiserver/validation/go_syntax.h"
#include "apiserver/validation/names.h"
#include "apiserver/validation/pod.h"
#include "apiserver/validation/selectors.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kStrategies[] = {"Recreate", "RollingUpdate"};
constexpr std::string_view kUpdateStrategies[] = {"OnDelete", "RollingUpdate"};
constexpr std::string_view kAlways[] = {"Always"};

void non_negative(int64_t value, const FieldPath& path, FieldErrors& errors) {
  if (value < 0) errors.invalid(path, value, "must be greater than or equal to 0");
}

bool is_empty(meta_v1::LabelSelector selector) {
  return selector.match_labels().size() == 0 && selector.match_expressions().empty();
}

// The selector, and that it selects the template's labels. `kind` is the noun of the message.
void validate_selector(bool present, meta_v1::LabelSelector selector,
                       core_v1::PodTemplateSpec pod_template, std::string_view noun,
                       const FieldPath& spec, FieldErrors& errors) {
  if (!present) {
    errors.required(spec.child("selector"));
  } else {
    validate_label_selector(selector, spec.child("selector"), errors);
    if (is_empty(selector)) {
      errors.invalid_raw(spec.child("selector"), go_label_selector(selector),
                         "empty selector is invalid for " + std::string(noun));
    }
  }
}

void validate_template(bool present, meta_v1::LabelSelector selector,
                       core_v1::PodTemplateSpec pod_template, const FieldPath& path,
                       FieldErrors& errors) {
  auto labels = pod_template.metadata().labels();
  if (!present || is_empty(selector) || !selector_matches(selector, labels)) {
    errors.invalid_raw(path.child("metadata").child("labels"), go_string_map(labels),
                       "`selector` does not match template `labels`");
  }
  validate_pod_template(pod_template, path, errors);
  if (pod_template.spec().restart_policy() != "Always") {
    errors.not_supported(path.child("spec").child("restartPolicy"),
                         pod_template.spec().restart_policy(), kAlways);
  }
  if (pod_template.spec().has_active_deadline_seconds()) {
    errors.forbidden(path.child("spec").child("activeDeadlineSeconds"),
                     "activeDeadlineSeconds in ReplicaSet is not Supported");
  }
}

// A non-negative number or a percentage.
void validate_int_or_percent(const Value& value, const FieldPath& path, FieldErrors& errors) {
  if (value.type == ValueType::kString) {
    for (const std::string& message : check_percent(value.as_text())) {
      errors.invalid(path, value.as_text(), message);
    }
  } else {
    non_negative(value.as_int(), path, errors);
  }
}

// The number, or the number of the percentage.
int64_t number_of(const Value& value) {
  if (value.type != ValueType::kString) return value.as_int();
  std::string_view text = value.as_text();
  return text.empty() ? 0 : parse_int(text.substr(0, text.size() - 1)).value_or(0);
}

void not_over_hundred_percent(const Value& value, const FieldPath& path, FieldErrors& errors) {
  if (value.type == ValueType::kString && number_of(value) > 100) {
    errors.invalid(path, value.as_text(), "must not be greater than 100%");
  }
}

void validate_rolling_update(apps_v1::DeploymentStrategy strategy, const FieldPath& path,
                             FieldErrors& errors) {
  FieldPath at = path.child("rollingUpdate");
  if (!strategy.has_rolling_update()) {
    errors.required(at, "this should be defaulted and never be nil");
    return;
  }
  apps_v1::RollingUpdateDeployment rolling = strategy.rolling_update();
  validate_int_or_percent(rolling.max_unavailable(), at.child("maxUnavailable"), errors);
  validate_int_or_percent(rolling.max_surge(), at.child("maxSurge"), errors);
  if (number_of(rolling.max_unavailable()) == 0 && number_of(rolling.max_surge()) == 0) {
    errors.invalid(at.child("maxUnavailable"), number_of(rolling.max_unavailable()),
                   "may not be 0 when `maxSurge` is 0");
  }
  not_over_hundred_percent(rolling.max_unavailable(), at.child("maxUnavailable"), errors);
}

void validate_strategy(apps_v1::DeploymentStrategy strategy, const FieldPath& path,
                       FieldErrors& errors) {
  if (strategy.type() == "Recreate") {
    if (strategy.has_rolling_update()) {
      errors.forbidden(path.child("rollingUpdate"),
                       "may not be specified when strategy `type` is 'Recreate'");
    }
  } else if (strategy.type() == "RollingUpdate") {
    validate_rolling_update(strategy, path, errors);
  } else {
    errors.not_supported(path.child("type"), strategy.type(), kStrategies);
  }
}

void same_selector(const Node& now, const Node& old, meta_v1::LabelSelector shown,
                   const FieldPath& path, FieldErrors& errors) {
  Value a = Value::of_node(ValueType::kStruct, const_cast<Node*>(&now));
  Value b = Value::of_node(ValueType::kStruct, const_cast<Node*>(&old));
  if (!equal(a, b)) errors.invalid_raw(path, go_label_selector(shown), "field is immutable");
}

}  // namespace

void validate_deployment(apps_v1::Deployment deployment, FieldErrors& errors) {
  FieldPath path("spec");
  apps_v1::DeploymentSpec spec = deployment.spec();
  non_negative(spec.replicas(), path.child("replicas"), errors);
  validate_selector(spec.has_selector(), spec.selector(), spec.template_(), "deployment", path,
                    errors);
  validate_template(spec.has_selector(), spec.selector(), spec.template_(), path.child("template"),
                    errors);
  validate_strategy(spec.strategy(), path.child("strategy"), errors);
  non_negative(spec.min_ready_seconds(), path.child("minReadySeconds"), errors);
  non_negative(spec.revision_history_limit(), path.child("revisionHistoryLimit"), errors);
  if (spec.has_progress_deadline_seconds()) {
    int64_t deadline = spec.progress_deadline_seconds();
    non_negative(deadline, path.child("progressDeadlineSeconds"), errors);
    if (deadline <= spec.min_ready_seconds()) {
      errors.invalid(path.child("progressDeadlineSeconds"), deadline,
                     "must be greater than minReadySeconds");
    }
  }
}

void validate_deployment_update(apps_v1::Deployment deployment, apps_v1::Deployment old,
                                FieldErrors& errors) {
  validate_deployment(deployment, errors);
  same_selector(deployment.spec().selector().node(), old.spec().selector().node(),
                deployment.spec().selector(), FieldPath("spec.selector"), errors);
}

void validate_replica_set(apps_v1::ReplicaSet replica_set, FieldErrors& errors) {
  FieldPath path("spec");
  apps_v1::ReplicaSetSpec spec = replica_set.spec();
  non_negative(spec.replicas(), path.child("replicas"), errors);
  non_negative(spec.min_ready_seconds(), path.child("minReadySeconds"), errors);
  validate_selector(spec.has_selector(), spec.selector(), spec.template_(), "replicaset", path,
                    errors);
  validate_template(spec.has_selector(), spec.selector(), spec.template_(), path.child("template"),
                    errors);
}

void validate_replica_set_update(apps_v1::ReplicaSet replica_set, apps_v1::ReplicaSet old,
                                 FieldErrors& errors) {
  validate_replica_set(replica_set, errors);
  same_selector(replica_set.spec().selector().node(), old.spec().selector().node(),
                replica_set.spec().selector(), FieldPath("spec.selector"), errors);
}

void validate_daemon_set(apps_v1::DaemonSet daemon_set, FieldErrors& errors) {
  FieldPath path("spec");
  apps_v1::DaemonSetSpec spec = daemon_set.spec();
  validate_selector(spec.has_selector(), spec.selector(), spec.template_(), "daemonset", path,
                    errors);
  validate_template(spec.has_selector(), spec.selector(), spec.template_(), path.child("template"),
                    errors);
  non_negative(spec.min_ready_seconds(), path.child("minReadySeconds"), errors);
  if (!std::ranges::count(kUpdateStrategies, spec.update_strategy().type())) {
    errors.not_supported(path.child("updateStrategy").child("type"), spec.update_strategy().type(),
                         kUpdateStrategies);
  }
  non_negative(spec.revision_history_limit(), path.child("revisionHistoryLimit"), errors);
}

void validate_stateful_set(apps_v1::StatefulSet stateful_set, FieldErrors& errors) {
  FieldPath path("spec");
  apps_v1::StatefulSetSpec spec = stateful_set.spec();
  if (!std::ranges::count(kUpdateStrategies, spec.update_strategy().type())) {
    errors.not_supported(path.child("updateStrategy").child("type"), spec.update_strategy().type(),
                         kUpdateStrategies);
  }
  non_negative(spec.replicas(), path.child("replicas"), errors);
  non_negative(spec.min_ready_seconds(), path.child("minReadySeconds"), errors);
  validate_selector(spec.has_selector(), spec.selector(), spec.template_(), "statefulset", path,
                    errors);
  validate_template(spec.has_selector(), spec.selector(), spec.template_(), path.child("template"),
                    errors);
}

void validate_replication_controller(core_v1::ReplicationController controller,
                                     FieldErrors& errors) {
  FieldPath path("spec");
  core_v1::ReplicationControllerSpec spec = controller.spec();
  non_negative(spec.replicas(), path.child("replicas"), errors);
  non_negative(spec.min_ready_seconds(), path.child("minReadySeconds"), errors);
  if (spec.selector().size() == 0) errors.required(path.child("selector"));
  if (!spec.has_template()) {
    errors.required(path.child("template"));
    return;
  }
  auto labels = spec.template_().metadata().labels();
  bool matches = spec.selector().size() > 0;
  for (auto [key, value] : spec.selector()) {
    matches = matches && labels.contains(key) && labels.find(key) == value;
  }
  FieldPath at = path.child("template");
  if (spec.selector().size() > 0 && !matches) {
    errors.invalid_raw(at.child("metadata").child("labels"), go_string_map(labels),
                       "`selector` does not match template `labels`");
  }
  validate_pod_template(spec.template_(), at, errors);
  if (spec.template_().spec().restart_policy() != "Always") {
    errors.not_supported(at.child("spec").child("restartPolicy"),
                         spec.template_().spec().restart_policy(), kAlways);
  }
}

}  // namespace tiphys::apiserver
