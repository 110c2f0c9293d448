// Rules of autoscaling that are no rows (pkg/apis/autoscaling/validation).
#include <algorithm>

#include "apiserver/validation/rule_calls.h"
#include "base/strings.h"
#include "kinds/autoscaling_v2.h"
#include "object/quantity.h"

namespace tiphys::apiserver {
namespace {

using autoscaling_v2::HorizontalPodAutoscalerSpec;

struct Source {
  std::string_view type;
  std::string_view field;
};

constexpr Source kSources[] = {{"Object", "object"},
                               {"External", "external"},
                               {"Pods", "pods"},
                               {"Resource", "resource"},
                               {"ContainerResource", "containerResource"}};

// Empty: none.
std::string api_version_problem(std::string_view text, bool empty_group) {
  if (std::ranges::count(text, '/') > 1) {
    return "unexpected GroupVersion string: " + std::string(text);
  }
  size_t slash = text.find('/');
  bool grouped = slash != std::string_view::npos && slash > 0;
  return grouped || empty_group ? "" : "apiVersion must specify API group";
}

bool had_bad_metric_version(const RuleInput& input) {
  if (!input.updating()) return false;
  autoscaling_v2::HorizontalPodAutoscaler old(*input.scope.old);
  for (autoscaling_v2::MetricSpec metric : old.spec().metrics()) {
    if (metric.type() != "Object" || !metric.has_object()) continue;
    std::string_view version = metric.object().described_object().api_version();
    if (!api_version_problem(version, true).empty()) return true;
  }
  return false;
}

}  // namespace

void call_hpa_max_replicas(const RuleInput& input, FieldErrors& errors) {
  HorizontalPodAutoscalerSpec spec(input.parent);
  if (!spec.has_min_replicas() || spec.max_replicas() >= spec.min_replicas()) return;
  errors.invalid(input.path, spec.max_replicas(), "must be greater than or equal to `minReplicas`");
}

void call_hpa_zero_metrics(const RuleInput& input, FieldErrors& errors) {
  HorizontalPodAutoscalerSpec spec(input.parent);
  if (!spec.has_min_replicas() || spec.min_replicas() != 0) return;
  for (autoscaling_v2::MetricSpec metric : spec.metrics()) {
    if (metric.type() == "Object" || metric.type() == "External") return;
  }
  errors.forbidden(input.path,
                   "must specify at least one Object or External metric to support scaling to zero "
                   "replicas");
}

// All sources but the one of the type, unless there is exactly one.
void call_hpa_metric_sources(const RuleInput& input, FieldErrors& errors) {
  const schema::Message& type = autoscaling_v2::MetricSpec::message();
  std::string_view expected = autoscaling_v2::MetricSpec(input.value.as_node()).type();
  std::vector<Source> present;
  for (const Source& source : kSources) {
    const Value& value = schema::find_path(type, input.value.as_node(), {source.field});
    if (!value.is_null()) present.push_back(source);
  }
  if (present.size() == 1) return;
  for (const Source& source : present) {
    if (source.type == expected) continue;
    errors.forbidden(input.path.child(source.field), "must populate the given metric source only");
  }
}

void call_positive_quantity(const RuleInput& input, FieldErrors& errors) {
  if (input.value.is_null() || Quantity::of(input.value.as_text()).sign() > 0) return;
  errors.invalid(input.path, input.value.as_text(), "must be positive");
}

void call_non_negative_quantity(const RuleInput& input, FieldErrors& errors) {
  if (input.value.is_null() || Quantity::of(input.value.as_text()).sign() >= 0) return;
  errors.invalid(input.path, input.value.as_text(), "must be greater than or equal to 0");
}

// The version of what is scaled has a group, but for the only such kind of the core group. Updates
// that leave kind and version alone are not checked.
void call_hpa_scale_target(const RuleInput& input, FieldErrors& errors) {
  autoscaling_v2::CrossVersionObjectReference target(input.value.as_node());
  autoscaling_v2::CrossVersionObjectReference old(input.old.as_node());
  if (input.updating() && old.api_version() == target.api_version() &&
      old.kind() == target.kind()) {
    return;
  }
  bool core = target.kind() == "ReplicationController";
  std::string problem = api_version_problem(target.api_version(), core);
  if (problem.empty()) return;
  errors.invalid(input.path.child("apiVersion"), target.api_version(), problem);
}

void call_hpa_described_object(const RuleInput& input, FieldErrors& errors) {
  autoscaling_v2::CrossVersionObjectReference target(input.value.as_node());
  std::string problem = api_version_problem(target.api_version(), true);
  if (problem.empty() || had_bad_metric_version(input)) return;
  errors.invalid(input.path.child("apiVersion"), target.api_version(), problem);
}

}  // namespace tiphys::apiserver
