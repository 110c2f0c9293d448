// SetDefaults_* of apps/v1, batch/v1 and autoscaling/v2 that depend on other fields.
#include "kinds/apps_v1.h"
#include "kinds/autoscaling_v2.h"
#include "kinds/batch_v1.h"
#include "kinds/default_rules.h"

namespace tiphys::kinds {

void default_deployment(Arena& arena, Node& node) {
  apps_v1::DeploymentStrategyEdit strategy =
      apps_v1::DeploymentEdit(arena, node).edit_spec().edit_strategy();
  if (strategy.view().type() != "RollingUpdate") return;
  apps_v1::RollingUpdateDeploymentEdit rolling = strategy.edit_rolling_update();
  if (!rolling.view().has_max_unavailable()) rolling.set_max_unavailable("25%");
  if (!rolling.view().has_max_surge()) rolling.set_max_surge("25%");
}

void default_daemon_set(Arena& arena, Node& node) {
  apps_v1::DaemonSetUpdateStrategyEdit strategy =
      apps_v1::DaemonSetEdit(arena, node).edit_spec().edit_update_strategy();
  if (strategy.view().type() != "RollingUpdate") return;
  apps_v1::RollingUpdateDaemonSetEdit rolling = strategy.edit_rolling_update();
  if (!rolling.view().has_max_unavailable()) rolling.set_max_unavailable(Value::of_int(1));
  if (!rolling.view().has_max_surge()) rolling.set_max_surge(Value::of_int(0));
}

void default_stateful_set(Arena& arena, Node& node) {
  apps_v1::StatefulSetSpecEdit spec = apps_v1::StatefulSetEdit(arena, node).edit_spec();
  apps_v1::StatefulSetUpdateStrategyEdit strategy = spec.edit_update_strategy();
  if (strategy.view().type().empty()) {
    strategy.set_type("RollingUpdate");
    strategy.edit_rolling_update();
  }
  bool rolling = strategy.view().type() == "RollingUpdate" && strategy.view().has_rolling_update();
  if (rolling && !strategy.view().rolling_update().has_partition()) {
    strategy.edit_rolling_update().set_partition(0);
  }
  auto retention = spec.edit_persistent_volume_claim_retention_policy();
  if (retention.view().when_deleted().empty()) retention.set_when_deleted("Retain");
  if (retention.view().when_scaled().empty()) retention.set_when_scaled("Retain");
}

namespace {

void default_failure_policy(batch_v1::PodFailurePolicyEdit policy) {
  if (policy.view().rules().empty()) return;
  auto rules = policy.edit_rules();
  for (size_t i = 0; i < rules.size(); ++i) {
    if (rules[i].view().on_pod_conditions().empty()) continue;
    auto patterns = rules[i].edit_on_pod_conditions();
    for (size_t j = 0; j < patterns.size(); ++j) {
      if (patterns[j].view().status().empty()) patterns[j].set_status("True");
    }
  }
}

}  // namespace

namespace {

// As upstream's maps: what is added to the pods' labels later is added to the Job's as well.
void share_labels(batch_v1::JobEdit job) {
  const schema::Message& type = meta_v1::ObjectMeta::message();
  uint16_t index = type.index_of(*type.find("labels"));
  const Value& labels = job.view().spec().template_().metadata().node().field(index);
  if (labels.is_null() || !job.view().metadata().labels().empty()) return;
  set_field(job.arena(), job.edit_metadata().node(), index, labels);
}

}  // namespace

void default_job(Arena& arena, Node& node) {
  batch_v1::JobEdit job(arena, node);
  batch_v1::JobSpecEdit spec = job.edit_spec();
  if (!spec.view().has_parallelism()) {
    if (!spec.view().has_completions()) spec.set_completions(1);
    spec.set_parallelism(1);
  }
  share_labels(job);
  bool policy = spec.view().has_pod_failure_policy();
  if (policy) default_failure_policy(spec.edit_pod_failure_policy());
  if (!spec.view().has_pod_replacement_policy()) {
    spec.set_pod_replacement_policy(policy ? "Failed" : "TerminatingOrFailed");
  }
}

namespace {

void add_policy(autoscaling_v2::HPAScalingRulesEdit rules, std::string_view type, int32_t value) {
  autoscaling_v2::HPAScalingPolicyEdit policy = rules.edit_policies().append();
  policy.set_type(type);
  policy.set_value(value);
  policy.set_period_seconds(15);
}

void default_behavior(autoscaling_v2::HorizontalPodAutoscalerBehaviorEdit behavior) {
  autoscaling_v2::HPAScalingRulesEdit up = behavior.edit_scale_up();
  if (!up.view().has_stabilization_window_seconds()) up.set_stabilization_window_seconds(0);
  if (!up.view().has_select_policy()) up.set_select_policy("Max");
  if (!up.view().has_policies()) {
    add_policy(up, "Pods", 4);
    add_policy(up, "Percent", 100);
  }
  autoscaling_v2::HPAScalingRulesEdit down = behavior.edit_scale_down();
  if (!down.view().has_select_policy()) down.set_select_policy("Max");
  if (!down.view().has_policies()) add_policy(down, "Percent", 100);
}

}  // namespace

void default_horizontal_pod_autoscaler(Arena& arena, Node& node) {
  autoscaling_v2::HorizontalPodAutoscalerEdit autoscaler(arena, node);
  autoscaling_v2::HorizontalPodAutoscalerSpecEdit spec = autoscaler.edit_spec();
  if (spec.view().metrics().empty()) {
    autoscaling_v2::MetricSpecEdit metric = spec.edit_metrics().append();
    metric.set_type("Resource");
    metric.edit_resource().set_name("cpu");
    metric.edit_resource().edit_target().set_type("Utilization");
    metric.edit_resource().edit_target().set_average_utilization(80);
  }
  if (spec.view().has_behavior()) default_behavior(spec.edit_behavior());
}

}  // namespace tiphys::kinds
