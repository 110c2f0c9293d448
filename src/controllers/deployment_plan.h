// DeploymentPlanner: what a Deployment needs next: one look at it, its ReplicaSets and (Recreate)
// their pods gives every write of this round. Pure.
// Source: k8s.io/kubernetes pkg/controller/deployment (sync, rolling, recreate, progress).
#pragma once
#include <functional>
#include <list>
#include <optional>
#include <string>

#include "controllers/deployment_math.h"
#include "controllers/ownership.h"

namespace tiphys::controllers {

struct DeploymentWorld {
  ObjectPtr deployment;
  std::vector<ObjectPtr> candidates;  // ReplicaSets that it controls or might adopt
  // Pods of a ReplicaSet, by uid (asked for Recreate only).
  std::function<std::vector<ObjectPtr>(std::string_view)> pods_of;
  // The ReplicaSet of a name in the Deployment's namespace, whoever owns it; null: none.
  std::function<ObjectPtr(std::string_view)> replica_set_named;
  std::string create_error;  // why the last new ReplicaSet could not be created; empty: it could
};

class DeploymentPlanner {
 public:
  DeploymentPlanner(const DeploymentWorld& world, MicroTime now);
  // Call once.
  Decision plan();

 private:
  // What is there.
  bool claim_sets();
  void find_new_set();
  ReplicaSetStates active(const ReplicaSetStates& sets) const;

  // The new ReplicaSet and revisions (deployment_revision.cc).
  void sync_new_set();
  void annotate_new_set();
  bool bump_collisions(std::string_view name);
  ObjectPtr make_new_set(std::string_view hash, int32_t replicas) const;
  std::string template_hash() const;

  // Sizes.
  bool is_scaling_event() const;
  void scale();
  void roll();
  void recreate();
  bool old_pods_run() const;
  bool sizes_changed() const;
  void emit_sizes();
  void clean_up();

  // Status (deployment_status.cc).
  void sync_paused_condition();
  void count_status();
  void judge_progress();
  void report_failures();
  void look_when_stuck();
  bool complete() const;
  bool progressing() const;
  bool timed_out() const;
  bool has_deadline() const;
  apps_v1::DeploymentCondition condition(std::string_view type) const;
  void set_condition(std::string_view type, std::string_view status, std::string_view reason,
                     std::string_view message);
  void drop_condition(std::string_view type);
  void emit_status(int batch);

  const DeploymentWorld& world_;
  MicroTime now_;
  apps_v1::Deployment deployment_;
  RolloutLimits limits_;
  Draft draft_;  // the Deployment with its new status
  std::list<ReplicaSetState> sets_;
  ReplicaSetStates all_;
  ReplicaSetStates old_;
  ReplicaSetState* new_ = nullptr;
  std::map<const ReplicaSetState*, Draft> edits_;  // ReplicaSets with changed annotations
  bool creating_ = false;
  bool collided_ = false;
  Decision decision_;
};

}  // namespace tiphys::controllers
