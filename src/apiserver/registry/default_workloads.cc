// Defaults of workloads (pkg/apis/{apps,batch,autoscaling}/*/defaults.go).
#include "apiserver/registry/default_kinds.h"
#include "kinds/apps_v1.h"
#include "kinds/autoscaling_v1.h"
#include "kinds/autoscaling_v2.h"
#include "kinds/batch_v1.h"

namespace tiphys::apiserver {

void default_deployment(Draft& draft) {
  auto spec = apps_v1::DeploymentEdit(draft).edit_spec();
  if (!spec.view().has_replicas()) spec.set_replicas(1);
  auto strategy = spec.edit_strategy();
  if (strategy.view().type().empty()) strategy.set_type("RollingUpdate");
  if (strategy.view().type() == "RollingUpdate") {
    auto rolling = strategy.edit_rolling_update();
    if (!rolling.view().has_max_unavailable()) rolling.set_max_unavailable("25%");
    if (!rolling.view().has_max_surge()) rolling.set_max_surge("25%");
  }
  if (!spec.view().has_revision_history_limit()) spec.set_revision_history_limit(10);
  if (!spec.view().has_progress_deadline_seconds()) spec.set_progress_deadline_seconds(600);
  default_pod_template(spec.edit_template());
}

void default_replica_set(Draft& draft) {
  auto spec = apps_v1::ReplicaSetEdit(draft).edit_spec();
  if (!spec.view().has_replicas()) spec.set_replicas(1);
  default_pod_template(spec.edit_template());
}

void default_daemon_set(Draft& draft) {
  auto spec = apps_v1::DaemonSetEdit(draft).edit_spec();
  auto strategy = spec.edit_update_strategy();
  if (strategy.view().type().empty()) strategy.set_type("RollingUpdate");
  if (strategy.view().type() == "RollingUpdate") {
    auto rolling = strategy.edit_rolling_update();
    if (!rolling.view().has_max_unavailable()) rolling.set_max_unavailable(Value::of_int(1));
    if (!rolling.view().has_max_surge()) rolling.set_max_surge(Value::of_int(0));
  }
  if (!spec.view().has_revision_history_limit()) spec.set_revision_history_limit(10);
  default_pod_template(spec.edit_template());
}

void default_stateful_set(Draft& draft) {
  auto spec = apps_v1::StatefulSetEdit(draft).edit_spec();
  if (spec.view().pod_management_policy().empty()) spec.set_pod_management_policy("OrderedReady");
  auto strategy = spec.edit_update_strategy();
  if (strategy.view().type().empty()) strategy.set_type("RollingUpdate");
  if (strategy.view().type() == "RollingUpdate") {
    auto rolling = strategy.edit_rolling_update();
    if (!rolling.view().has_partition()) rolling.set_partition(0);
  }
  auto retention = spec.edit_persistent_volume_claim_retention_policy();
  if (retention.view().when_deleted().empty()) retention.set_when_deleted("Retain");
  if (retention.view().when_scaled().empty()) retention.set_when_scaled("Retain");
  if (!spec.view().has_replicas()) spec.set_replicas(1);
  if (!spec.view().has_revision_history_limit()) spec.set_revision_history_limit(10);
  default_pod_template(spec.edit_template());
  if (!spec.view().has_volume_claim_templates()) return;
  auto claims = spec.edit_volume_claim_templates();
  for (size_t i = 0; i < claims.size(); ++i) default_claim(claims[i]);
}

namespace {

void default_job_spec(batch_v1::JobSpecEdit spec) {
  batch_v1::JobSpec view = spec.view();
  if (!view.has_completions() && !view.has_parallelism()) {
    spec.set_completions(1);
    spec.set_parallelism(1);
  }
  if (!view.has_parallelism()) spec.set_parallelism(1);
  if (!view.has_backoff_limit()) {
    spec.set_backoff_limit(view.has_backoff_limit_per_index() ? INT32_MAX : 6);
  }
  if (view.completion_mode().empty()) spec.set_completion_mode("NonIndexed");
  if (!view.has_suspend()) spec.set_suspend(false);
  if (view.has_pod_failure_policy() && view.pod_failure_policy().has_rules()) {
    auto rules = spec.edit_pod_failure_policy().edit_rules();
    for (size_t i = 0; i < rules.size(); ++i) {
      if (!rules[i].view().has_on_pod_conditions()) continue;
      auto conditions = rules[i].edit_on_pod_conditions();
      for (size_t k = 0; k < conditions.size(); ++k) {
        if (conditions[k].view().status().empty()) conditions[k].set_status("True");
      }
    }
  }
  if (view.pod_replacement_policy().empty()) {
    spec.set_pod_replacement_policy(view.has_pod_failure_policy() ? "Failed"
                                                                  : "TerminatingOrFailed");
  }
  default_pod_template(spec.edit_template());
}

}  // namespace

void default_job(Draft& draft) {
  batch_v1::JobEdit job(draft);
  auto labels = batch_v1::Job(draft.root()).spec().template_().metadata().labels();
  if (!labels.empty() && batch_v1::Job(draft.root()).metadata().labels().empty()) {
    job.edit_metadata().set_labels(labels);
  }
  // A job inside a cron job's template gets only its pod's defaults.
  default_job_spec(job.edit_spec());
}

void default_cron_job(Draft& draft) {
  auto spec = batch_v1::CronJobEdit(draft).edit_spec();
  if (spec.view().concurrency_policy().empty()) spec.set_concurrency_policy("Allow");
  if (!spec.view().has_suspend()) spec.set_suspend(false);
  if (!spec.view().has_successful_jobs_history_limit()) spec.set_successful_jobs_history_limit(3);
  if (!spec.view().has_failed_jobs_history_limit()) spec.set_failed_jobs_history_limit(1);
  default_pod_template(spec.edit_job_template().edit_spec().edit_template());
}

namespace {

void default_scaling_policy(autoscaling_v2::HPAScalingRulesEdit rules, bool up) {
  if (rules.view().select_policy().empty()) rules.set_select_policy("Max");
  if (up && !rules.view().has_stabilization_window_seconds()) {
    rules.set_stabilization_window_seconds(0);
  }
  if (!rules.view().policies().empty()) return;
  auto policies = rules.edit_policies();
  if (up) {
    auto pods = policies.append();
    pods.set_type("Pods");
    pods.set_value(4);
    pods.set_period_seconds(15);
  }
  auto percent = policies.append();
  percent.set_type("Percent");
  percent.set_value(100);
  percent.set_period_seconds(15);
}

}  // namespace

void default_hpa_v2(Draft& draft) {
  auto spec = autoscaling_v2::HorizontalPodAutoscalerEdit(draft).edit_spec();
  if (!spec.view().has_min_replicas()) spec.set_min_replicas(1);
  if (spec.view().metrics().empty()) {
    auto metric = spec.edit_metrics().append();
    metric.set_type("Resource");
    metric.edit_resource().set_name("cpu");
    metric.edit_resource().edit_target().set_type("Utilization");
    metric.edit_resource().edit_target().set_average_utilization(80);
  }
  if (!spec.view().has_behavior()) return;
  auto behavior = spec.edit_behavior();
  default_scaling_policy(behavior.edit_scale_up(), true);
  default_scaling_policy(behavior.edit_scale_down(), false);
}

void default_hpa_v1(Draft& draft) {
  auto spec = autoscaling_v1::HorizontalPodAutoscalerEdit(draft).edit_spec();
  if (!spec.view().has_min_replicas()) spec.set_min_replicas(1);
}

}  // namespace tiphys::apiserver
