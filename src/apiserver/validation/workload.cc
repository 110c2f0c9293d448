#include "apiserver/validation/workload.h"

#include "apiserver/validation/checks.h"
#include "apiserver/validation/pod.h"
#include "apiserver/validation/rule_calls.h"
#include "apiserver/validation/selectors.h"
#include "base/strings.h"
#include "codec/codec.h"
#include "object/int_or_string.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kStrategies[] = {"Recreate", "RollingUpdate"};
constexpr std::string_view kUpdateStrategies[] = {"RollingUpdate", "OnDelete"};
constexpr std::string_view kAlways[] = {"Always"};

bool is_empty(meta_v1::LabelSelector selector) {
  return selector.match_labels().empty() && selector.match_expressions().empty();
}

std::string selector_json(meta_v1::LabelSelector selector) {
  std::string json;
  codec::encode_json(meta_v1::LabelSelector::message_type(), selector.node(), json);
  return json;
}

// As intstr.IntOrString prints itself.
std::string number_json(const Value& value) {
  if (value.type == ValueType::kString) return go_quote(value.as_text());
  return std::to_string(value.as_int());
}

bool is_percent(const Value& value) {
  return value.type == ValueType::kString && check_percent(value.as_text()).empty();
}

// The number, or the number of the percentage.
int64_t number_of(const Value& value) {
  if (!is_percent(value)) return int_value(value);
  std::string_view text = value.as_text();
  return parse_int(text.substr(0, text.size() - 1)).value_or(INT32_MAX);
}

void validate_rolling_update(apps_v1::RollingUpdateDeployment rolling, const FieldPath& path,
                             FieldErrors& errors) {
  FieldPath unavailable = path.child("maxUnavailable");
  check_number_or_percent(rolling.max_unavailable(), unavailable, errors);
  check_number_or_percent(rolling.max_surge(), path.child("maxSurge"), errors);
  if (is_zero_or_percent(rolling.max_unavailable()) && is_zero_or_percent(rolling.max_surge())) {
    errors.invalid_raw(unavailable, number_json(rolling.max_unavailable()),
                       "may not be 0 when `maxSurge` is 0");
  }
  check_at_most_all(rolling.max_unavailable(), unavailable, errors);
}

void validate_strategy(apps_v1::DeploymentStrategy strategy, const FieldPath& path,
                       FieldErrors& errors) {
  FieldPath rolling = path.child("rollingUpdate");
  if (strategy.type() == "Recreate") {
    if (strategy.has_rolling_update()) {
      errors.forbidden(rolling, "may not be specified when strategy `type` is 'Recreate'");
    }
  } else if (strategy.type() != "RollingUpdate") {
    std::string json;
    codec::encode_json(apps_v1::DeploymentStrategy::message_type(), strategy.node(), json);
    errors.not_supported_raw(path, json, kStrategies);
  } else if (!strategy.has_rolling_update()) {
    errors.required(rolling, "this should be defaulted and never be nil");
  } else {
    validate_rolling_update(strategy.rolling_update(), rolling, errors);
  }
}

void validate_daemon_rolling_update(apps_v1::RollingUpdateDaemonSet rolling, const FieldPath& path,
                                    FieldErrors& errors) {
  FieldPath unavailable = path.child("maxUnavailable");
  FieldPath surge = path.child("maxSurge");
  check_number_or_percent(rolling.max_unavailable(), unavailable, errors);
  check_number_or_percent(rolling.max_surge(), surge, errors);
  check_at_most_all(rolling.max_unavailable(), unavailable, errors);
  check_at_most_all(rolling.max_surge(), surge, errors);
  bool has_unavailable = !is_zero_or_percent(rolling.max_unavailable());
  bool has_surge = !is_zero_or_percent(rolling.max_surge());
  if (has_unavailable && has_surge) {
    errors.invalid_raw(surge, number_json(rolling.max_surge()),
                       "may not be set when maxUnavailable is non-zero");
  } else if (!has_unavailable && !has_surge) {
    errors.required(unavailable, "cannot be 0 when maxSurge is 0");
  }
}

void validate_daemon_strategy(apps_v1::DaemonSetUpdateStrategy strategy, const FieldPath& path,
                              FieldErrors& errors) {
  if (strategy.type() == "OnDelete") return;
  if (strategy.type() != "RollingUpdate") {
    std::string json;
    codec::encode_json(apps_v1::DaemonSetUpdateStrategy::message_type(), strategy.node(), json);
    errors.not_supported_raw(path, json, kUpdateStrategies);
  } else if (!strategy.has_rolling_update()) {
    errors.required(path.child("rollingUpdate"));
  } else {
    validate_daemon_rolling_update(strategy.rolling_update(), path.child("rollingUpdate"), errors);
  }
}

// What deployments and replica sets have alike.
template <class SpecView>
void validate_replicated(SpecView spec, const RuleInput& input, FieldErrors& errors) {
  // Upstream says deployment for both.
  bool sound = validate_workload_selector(spec.has_selector(), spec.selector(), "deployment",
                                          "invalid label selector", input.path, errors);
  if (!sound) return;
  FieldPath at = input.path.child("template");
  check_selected(spec.has_selector(), spec.selector(), spec.template_(), at, errors);
  core_v1::PodTemplateSpec before = SpecView(input.old.as_node()).template_();
  validate_pod_template(spec.template_(), at, errors, input.updating() ? &before : nullptr);
  check_long_running(spec.template_(), "ReplicaSet", at, errors);
}

}  // namespace

bool validate_workload_selector(bool present, meta_v1::LabelSelector selector,
                                std::string_view noun, std::string_view broken,
                                const FieldPath& spec, FieldErrors& errors) {
  FieldPath path = spec.child("selector");
  if (!present) {
    errors.required(path);
    return true;
  }
  size_t before = errors.size();
  validate_label_selector(selector, path, errors);
  bool sound = errors.size() == before;
  if (is_empty(selector)) {
    errors.invalid_raw(path, selector_json(selector),
                       "empty selector is invalid for " + std::string(noun));
  }
  if (!sound) errors.invalid_raw(path, selector_json(selector), broken);
  return sound;
}

void check_selected(bool present, meta_v1::LabelSelector selector,
                    core_v1::PodTemplateSpec pod_template, const FieldPath& path,
                    FieldErrors& errors) {
  if (present && selector_matches(selector, pod_template.metadata().labels())) return;
  errors.invalid_raw(
      path.child("metadata").child("labels"),
      printed_field(meta_v1::ObjectMeta::message_type(), pod_template.metadata().node(), "labels"),
      "`selector` does not match template `labels`");
}

void check_long_running(core_v1::PodTemplateSpec pod_template, std::string_view noun,
                        const FieldPath& path, FieldErrors& errors) {
  FieldPath spec = path.child("spec");
  check_supported(pod_template.spec().restart_policy(), kAlways, spec.child("restartPolicy"),
                  errors);
  if (!pod_template.spec().has_active_deadline_seconds()) return;
  errors.forbidden(spec.child("activeDeadlineSeconds"),
                   "activeDeadlineSeconds in " + std::string(noun) + " is not Supported");
}

void check_number_or_percent(const Value& value, const FieldPath& path, FieldErrors& errors) {
  if (value.type == ValueType::kString) {
    errors.invalid_all(path, value.as_text(), check_percent(value.as_text()));
  } else {
    check_not_negative(value.as_int(), path, errors);
  }
}

void check_at_most_all(const Value& value, const FieldPath& path, FieldErrors& errors) {
  if (!is_percent(value) || number_of(value) <= 100) return;
  errors.invalid(path, value.as_text(), "must not be greater than 100%");
}

bool is_zero_or_percent(const Value& value) { return number_of(value) == 0; }

void call_deployment_template(const RuleInput& input, FieldErrors& errors) {
  validate_replicated(apps_v1::DeploymentSpec(input.value.as_node()), input, errors);
}

void call_replica_set_template(const RuleInput& input, FieldErrors& errors) {
  validate_replicated(apps_v1::ReplicaSetSpec(input.value.as_node()), input, errors);
}

void call_deployment_strategy(const RuleInput& input, FieldErrors& errors) {
  validate_strategy(apps_v1::DeploymentStrategy(input.value.as_node()), input.path, errors);
}

void call_progress_deadline(const RuleInput& input, FieldErrors& errors) {
  apps_v1::DeploymentSpec spec(input.parent);
  if (input.value.is_null() || input.value.as_int() > spec.min_ready_seconds()) return;
  errors.invalid(input.path, input.value.as_int(), "must be greater than minReadySeconds");
}

void call_daemon_set_template(const RuleInput& input, FieldErrors& errors) {
  apps_v1::DaemonSetSpec spec(input.value.as_node());
  FieldPath at = input.path.child("template");
  size_t start = errors.size();
  validate_label_selector(spec.selector(), input.path.child("selector"), errors);
  if (errors.size() == start) {
    check_selected(spec.has_selector(), spec.selector(), spec.template_(), at, errors);
  }
  if (spec.has_selector() && is_empty(spec.selector())) {
    errors.invalid_raw(input.path.child("selector"), selector_json(spec.selector()),
                       "empty selector is invalid for daemonset");
  }
  core_v1::PodTemplateSpec before = apps_v1::DaemonSetSpec(input.old.as_node()).template_();
  validate_pod_template(spec.template_(), at, errors, input.updating() ? &before : nullptr);
  check_long_running(spec.template_(), "DaemonSet", at, errors);
}

void call_daemon_set_strategy(const RuleInput& input, FieldErrors& errors) {
  validate_daemon_strategy(apps_v1::DaemonSetUpdateStrategy(input.value.as_node()), input.path,
                           errors);
}

void validate_replication_controller(core_v1::ReplicationController controller,
                                     const core_v1::ReplicationController* old,
                                     FieldErrors& errors) {
  FieldPath path("spec");
  core_v1::ReplicationControllerSpec spec = controller.spec();
  FieldPath at = path.child("template");
  if (!spec.has_template()) {
    errors.required(at);
    return;
  }
  MapView<std::string_view> labels = spec.template_().metadata().labels();
  for (auto [key, value] : spec.selector()) {
    if (labels.contains(key) && labels.find(key) == value) continue;
    errors.invalid_raw(at.child("metadata").child("labels"),
                       printed_field(meta_v1::ObjectMeta::message_type(),
                                     spec.template_().metadata().node(), "labels"),
                       "`selector` does not match template `labels`");
    break;
  }
  core_v1::PodTemplateSpec before;
  if (old) before = old->spec().template_();
  validate_pod_template(spec.template_(), at, errors, old ? &before : nullptr);
  check_long_running(spec.template_(), "ReplicationController", at, errors);
}

}  // namespace tiphys::apiserver
