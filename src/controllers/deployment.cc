#include "controllers/deployment.h"

#include "controllers/deployment_plan.h"
#include "controllers/resources.h"

namespace tiphys::controllers {

DeploymentController::DeploymentController(Context context)
    : Controller(context, "deployment-controller"),
      deployments_(watch(deployments())),
      replica_sets_(watch(replica_sets())),
      pods_(watch(pods())) {
  replica_sets_.add_index(std::string(kByController), controller_index_keys);
  pods_.add_index(std::string(kByController), controller_index_keys);
  enqueue_changes(deployments_);
  replica_sets_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    if (old) replica_set_changed(*old);
    if (now) replica_set_changed(*now);
  });
  pods_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    if (!now) pod_gone(*old);
  });
}

void DeploymentController::replica_set_changed(const Object& replica_set) {
  auto selector = [](const ObjectPtr& deployment) {
    apps_v1::DeploymentSpec spec = apps_v1::Deployment(*deployment).spec();
    return selector_of(spec.selector(), spec.has_selector());
  };
  for (const ObjectPtr& deployment :
       owners_concerned(deployments_, "Deployment", replica_set, selector)) {
    enqueue(*deployment);
  }
}

// Recreate waits for the last old pod.
void DeploymentController::pod_gone(const Object& pod) {
  std::optional<meta_v1::OwnerReference> owner = controller_of(pod);
  if (!owner || owner->kind() != "ReplicaSet") return;
  ObjectPtr set = replica_sets_.get(metadata(pod).namespace_(), owner->name());
  std::optional<meta_v1::OwnerReference> above;
  if (set) above = controller_of(*set);
  if (!above) return;
  ObjectPtr deployment = deployments_.get(metadata(pod).namespace_(), above->name());
  if (!deployment) return;
  if (apps_v1::Deployment(*deployment).spec().strategy().type() == "Recreate") {
    enqueue(*deployment);
  }
}

Decision DeploymentController::reconcile(const std::string& key, MicroTime now) {
  auto [ns, name] = client::split_key(key);
  DeploymentWorld world;
  world.deployment = deployments_.get(ns, name);
  if (!world.deployment) {
    create_errors_.erase(key);
    return {};
  }
  world.candidates = claim_candidates(replica_sets_, *world.deployment);
  world.pods_of = [this](std::string_view uid) { return pods_.by_index(kByController, uid); };
  std::string space(ns);
  world.replica_set_named = [this, space](std::string_view named) {
    return replica_sets_.get(space, named);
  };
  auto error = create_errors_.find(key);
  if (error != create_errors_.end()) world.create_error = error->second;
  return DeploymentPlanner(world, now).plan();
}

void DeploymentController::outcome(const std::string& key, const Action& action,
                                   const ApiStatus* error) {
  if (action.tag.empty()) return;
  if (error && !error->is_already_exists()) {
    create_errors_[key] = error->message();
  } else {
    create_errors_.erase(key);
  }
}

}  // namespace tiphys::controllers
