// A Deployment's status: counts, and the conditions that `kubectl rollout status` reads.
#include "base/time_math.h"
#include "controllers/deployment_plan.h"
#include "controllers/resources.h"

namespace tiphys::controllers {

bool DeploymentPlanner::has_deadline() const {
  apps_v1::DeploymentSpec spec = deployment_.spec();
  return spec.has_progress_deadline_seconds() && spec.progress_deadline_seconds() != INT32_MAX;
}

// As it will be written.
apps_v1::DeploymentCondition DeploymentPlanner::condition(std::string_view type) const {
  for (apps_v1::DeploymentCondition c : apps_v1::Deployment(draft_).status().conditions()) {
    if (c.type() == type) return c;
  }
  return apps_v1::DeploymentCondition();
}

void DeploymentPlanner::drop_condition(std::string_view type) {
  auto conditions = apps_v1::DeploymentEdit(draft_).edit_status().edit_conditions();
  for (size_t i = conditions.size(); i-- > 0;) {
    if (conditions[i].view().type() == type) conditions.erase(i);
  }
}

void DeploymentPlanner::set_condition(std::string_view type, std::string_view status,
                                      std::string_view reason, std::string_view message) {
  apps_v1::DeploymentCondition known = condition(type);
  if (known.status() == status && known.reason() == reason) return;
  MicroTime since = known.status() == status ? known.last_transition_time() : now_;
  drop_condition(type);
  auto added = apps_v1::DeploymentEdit(draft_).edit_status().edit_conditions().append();
  added.set_type(type);
  added.set_status(status);
  added.set_reason(reason);
  added.set_message(message);
  added.set_last_update_time(now_);
  added.set_last_transition_time(since);
}

void DeploymentPlanner::sync_paused_condition() {
  if (!has_deadline()) return;
  std::string_view reason = condition("Progressing").reason();
  if (reason == "ProgressDeadlineExceeded") return;
  bool noted = reason == "DeploymentPaused";
  if (deployment_.spec().paused() && !noted) {
    set_condition("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused");
  } else if (!deployment_.spec().paused() && noted) {
    set_condition("Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed");
  }
}

void DeploymentPlanner::count_status() {
  auto status = apps_v1::DeploymentEdit(draft_).edit_status();
  int32_t total = sum_actual(all_);
  int32_t available = sum_available(all_);
  status.set_observed_generation(metadata(*world_.deployment).generation());
  status.set_replicas(total);
  status.set_updated_replicas(new_ ? new_->status().replicas() : 0);
  status.set_ready_replicas(sum_ready(all_));
  status.set_available_replicas(available);
  status.set_unavailable_replicas(std::max(total - available, 0));
  int32_t terminating = 0;
  bool known = true;
  for (const ReplicaSetState* set : all_) {
    known = known && set->status().has_terminating_replicas();
    terminating += set->status().terminating_replicas();
  }
  if (known) {
    status.set_terminating_replicas(terminating);
  } else {
    status.clear_terminating_replicas();
  }
  if (available >= limits_.replicas - limits_.max_unavailable) {
    set_condition("Available", "True", "MinimumReplicasAvailable",
                  "Deployment has minimum availability.");
  } else {
    set_condition("Available", "False", "MinimumReplicasUnavailable",
                  "Deployment does not have minimum availability.");
  }
}

bool DeploymentPlanner::complete() const {
  apps_v1::DeploymentStatus status = apps_v1::Deployment(draft_).status();
  return status.updated_replicas() == limits_.replicas && status.replicas() == limits_.replicas &&
         status.available_replicas() == limits_.replicas;
}

bool DeploymentPlanner::progressing() const {
  apps_v1::DeploymentStatus before = deployment_.status();
  apps_v1::DeploymentStatus after = apps_v1::Deployment(draft_).status();
  return after.updated_replicas() > before.updated_replicas() ||
         after.replicas() - after.updated_replicas() <
             before.replicas() - before.updated_replicas() ||
         after.ready_replicas() > before.ready_replicas() ||
         after.available_replicas() > before.available_replicas();
}

bool DeploymentPlanner::timed_out() const {
  apps_v1::DeploymentCondition known = condition("Progressing");
  if (known.type().empty() || known.reason() == "NewReplicaSetAvailable") return false;
  if (known.reason() == "ProgressDeadlineExceeded") return true;
  MicroTime deadline =
      known.last_update_time() + deployment_.spec().progress_deadline_seconds() * kMicrosPerSecond;
  return deadline < now_;
}

void DeploymentPlanner::judge_progress() {
  if (!has_deadline()) return drop_condition("Progressing");
  apps_v1::DeploymentStatus status = apps_v1::Deployment(draft_).status();
  std::string_view reason = condition("Progressing").reason();
  bool finished =
      status.replicas() == status.updated_replicas() && reason == "NewReplicaSetAvailable";
  if (finished || creating_ || collided_) return;
  std::string what = new_ ? "ReplicaSet \"" + std::string(metadata(*new_->object).name()) + "\""
                          : "Deployment \"" + std::string(deployment_.metadata().name()) + "\"";
  if (complete()) {
    set_condition("Progressing", "True", "NewReplicaSetAvailable",
                  what + " has successfully progressed.");
  } else if (progressing()) {
    // Written even if status and reason stay: the deadline counts from the last progress.
    MicroTime since = now_;
    if (condition("Progressing").status() == "True") {
      since = condition("Progressing").last_transition_time();
    }
    drop_condition("Progressing");
    set_condition("Progressing", "True", "ReplicaSetUpdated", what + " is progressing.");
    auto conditions = apps_v1::DeploymentEdit(draft_).edit_status().edit_conditions();
    conditions[conditions.size() - 1].set_last_transition_time(since);
  } else if (timed_out()) {
    set_condition("Progressing", "False", "ProgressDeadlineExceeded",
                  what + " has timed out progressing.");
  }
}

// Nothing may ever happen again to a Deployment that is stuck: look when its deadline is over.
void DeploymentPlanner::look_when_stuck() {
  apps_v1::DeploymentCondition known = condition("Progressing");
  if (!has_deadline() || known.type().empty() || complete()) return;
  if (known.reason() == "ProgressDeadlineExceeded") return;
  MicroTime deadline =
      known.last_update_time() + deployment_.spec().progress_deadline_seconds() * kMicrosPerSecond;
  MicroTime due = std::max(deadline, now_) + kMicrosPerSecond;
  decision_.look_again_in(time_between(now_, due));
}

void DeploymentPlanner::report_failures() {
  drop_condition("ReplicaFailure");
  ReplicaSetStates order = old_;
  if (new_) order.insert(order.begin(), new_);
  for (const ReplicaSetState* set : order) {
    for (apps_v1::ReplicaSetCondition failure : set->status().conditions()) {
      if (failure.type() != "ReplicaFailure" || failure.status() != "True") continue;
      auto added = apps_v1::DeploymentEdit(draft_).edit_status().edit_conditions().append();
      added.set_type("ReplicaFailure");
      added.set_status("True");
      added.set_reason(failure.reason());
      added.set_message(failure.message());
      added.set_last_update_time(failure.last_transition_time());
      added.set_last_transition_time(failure.last_transition_time());
      return;
    }
  }
}

void DeploymentPlanner::emit_status(int batch) {
  auto conditions = apps_v1::DeploymentEdit(draft_).edit_status().edit_conditions();
  if (conditions.empty()) apps_v1::DeploymentEdit(draft_).edit_status().clear_conditions();
  apps_v1::Deployment changed(draft_);
  bool same = equal(changed.status(), deployment_.status()) &&
              equal(changed.metadata(), deployment_.metadata());
  if (same) return;
  Action action = update_action(deployments(), draft_.freeze(), "status");
  action.batch = batch;
  decision_.add(std::move(action));
}

}  // namespace tiphys::controllers
