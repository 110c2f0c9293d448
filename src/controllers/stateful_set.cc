#include "controllers/stateful_set.h"

#include "controllers/resources.h"
#include "controllers/stateful_pod.h"
#include "controllers/stateful_set_plan.h"

namespace tiphys::controllers {
namespace {

std::string_view policy_of(const Object& set) {
  return apps_v1::StatefulSet(set).spec().pod_management_policy();
}

}  // namespace

StatefulSetController::StatefulSetController(Context context)
    : Controller(context, "statefulset-controller"),
      sets_(watch(stateful_sets())),
      pods_(watch(pods())),
      claims_(watch(persistent_volume_claims())),
      revisions_(watch(controller_revisions())) {
  pods_.add_index(std::string(kByController), controller_index_keys);
  revisions_.add_index(std::string(kByController), controller_index_keys);
  enqueue_changes(sets_);
  auto changed = [this](const ObjectPtr& old, const ObjectPtr& now) {
    if (old) dependent_changed(*old);
    if (now) dependent_changed(*now);
  };
  pods_.add_handler(changed);
  revisions_.add_handler(changed);
  pods_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    if (!now) pod_gone(*old);
  });
  sets_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    if (!now) set_gone(*old);
  });
  claims_.add_handler(
      [this](const ObjectPtr& old, const ObjectPtr& now) { claim_changed(now ? *now : *old); });
}

// A pod or revision.
void StatefulSetController::dependent_changed(const Object& dependent) {
  auto selector = [](const ObjectPtr& set) {
    apps_v1::StatefulSetSpec spec = apps_v1::StatefulSet(*set).spec();
    return selector_of(spec.selector(), spec.has_selector());
  };
  for (const ObjectPtr& set : owners_concerned(sets_, "StatefulSet", dependent, selector)) {
    enqueue(*set);
  }
}

// Whoever owned it: its name is free for the set's own pod.
void StatefulSetController::pod_gone(const Object& pod) {
  std::optional<StatefulPodName> name = parse_stateful_pod_name(name_of(pod));
  if (!name) return;
  ObjectPtr set = sets_.get(namespace_of(pod), name->set);
  if (set) enqueue(*set);
}

// The sets whose pods may use the claim, by its name.
void StatefulSetController::claim_changed(const Object& claim) {
  std::optional<StatefulPodName> name = parse_stateful_pod_name(name_of(claim));
  if (!name) return;
  for (const ObjectPtr& set : sets_.list(namespace_of(claim))) {
    if (name->set.ends_with("-" + std::string(name_of(*set)))) enqueue(*set);
  }
}

Decision StatefulSetController::reconcile(const std::string& key, MicroTime now) {
  auto [ns, name] = client::split_key(key);
  StatefulSetWorld world;
  world.set = sets_.get(ns, name);
  if (!world.set) return {};
  world.pods = claim_candidates(pods_, *world.set);
  world.revisions = claim_candidates(revisions_, *world.set);
  std::string space(ns);
  world.claim_named = [this, space](std::string_view claim) { return claims_.get(space, claim); };
  world.revision_named = [this, space](std::string_view revision) {
    return revisions_.get(space, revision);
  };
  return StatefulSetPlanner(world, now).plan();
}

void StatefulSetController::decided(const std::string& key, const Decision& decision) {
  auto [ns, name] = client::split_key(key);
  ObjectPtr object = sets_.get(ns, name);
  if (!object) return;
  apps_v1::StatefulSet set(*object);
  StatefulSetMetrics& metrics = context_.metrics.stateful_set;
  std::optional<int32_t> most = max_unavailable_of(set.spec());
  if (most) metrics.max_unavailable.with({ns, name, policy_of(*object)}).set(*most);
  int32_t missing = set.spec().replicas() - set.status().available_replicas();
  metrics.unavailable.with({ns, name, policy_of(*object)}).set(std::max(missing, 0));
}

void StatefulSetController::set_gone(const Object& set) {
  StatefulSetMetrics& metrics = context_.metrics.stateful_set;
  for (MetricFamily<Gauge>* family : {&metrics.max_unavailable, &metrics.unavailable}) {
    family->erase({namespace_of(set), name_of(set), policy_of(set)});
  }
}

// A claim that could not be created is told as the pod's failure as well.
void StatefulSetController::outcome(const std::string& key, const Action& action,
                                    const ApiStatus* error) {
  if (!error || action.tag.empty()) return;
  std::string message = action.tag + "failed to create PVC " +
                        std::string(name_of(*action.object)) + ": " + error->message();
  context_.events.record(*action.failure->about, "Warning", "FailedCreate", message, {},
                         event_source_);
}

}  // namespace tiphys::controllers
