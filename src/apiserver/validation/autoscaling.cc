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

void call_group_version(const RuleInput& input, FieldErrors& errors) {
  std::string_view text = input.value.as_text();
  if (std::ranges::count(text, '/') < 2) return;
  errors.invalid(input.path, text, "unexpected GroupVersion string: " + std::string(text));
}

}  // namespace tiphys::apiserver
