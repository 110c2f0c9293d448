#include "controllers/daemon_set.h"

#include "controllers/daemon_plan.h"
#include "controllers/resources.h"

namespace tiphys::controllers {

namespace {

constexpr int kWorkers = 2;

NodeFit fit_of(const Draft& pod_template, const ObjectPtr& node) {
  if (!node) return {};
  return node_fit(core_v1::PodTemplateSpec(pod_template).spec(), core_v1::Node(*node));
}

// All that decides which pods belong on a node.
bool same_for_daemons(const Object& a, const Object& b) {
  auto list = [](const Object& node) {
    return Value::of_node(ValueType::kList,
                          const_cast<Node*>(&core_v1::Node(node).spec().taints().node()));
  };
  auto map = [](const Object& node) {
    return Value::of_node(ValueType::kMap, const_cast<Node*>(&metadata(node).labels().node()));
  };
  return equal(list(a), list(b)) && equal(map(a), map(b));
}

// A new template starts afresh.
std::string failure_key(const Object& set, std::string_view node) {
  return std::string(metadata(set).uid()) + "/" +
         std::to_string(apps_v1::DaemonSet(set).status().observed_generation()) + "/" +
         std::string(node);
}

}  // namespace

DaemonSetController::DaemonSetController(Context context)
    : Controller(context, "daemonset-controller", kWorkers),
      daemon_sets_(watch(daemon_sets())),
      revisions_(watch(controller_revisions())),
      pods_(watch(pods())),
      nodes_(watch(nodes())) {
  enqueue_changes(daemon_sets_);
  auto changed = [this](const ObjectPtr& old, const ObjectPtr& now) {
    if (old) owned_changed(*old);
    if (now) owned_changed(*now);
  };
  pods_.add_index(std::string(kByController), controller_index_keys);
  pods_.add_handler(changed);
  revisions_.add_index(std::string(kByController), controller_index_keys);
  revisions_.add_handler([changed](const ObjectPtr& old, const ObjectPtr& now) {
    // As upstream: whoever made it for a set knows of it, the set's next round looks at it.
    bool made_for_a_set = !old && now && controller_of(*now);
    if (!made_for_a_set) changed(old, now);
  });
  nodes_.add_handler(
      [this](const ObjectPtr& old, const ObjectPtr& now) { node_changed(old, now); });
}

void DaemonSetController::owned_changed(const Object& object) {
  auto selector = [](const ObjectPtr& set) {
    apps_v1::DaemonSetSpec spec = apps_v1::DaemonSet(*set).spec();
    return selector_of(spec.selector(), spec.has_selector());
  };
  for (const ObjectPtr& set : owners_concerned(daemon_sets_, "DaemonSet", object, selector)) {
    enqueue(*set);
  }
}

void DaemonSetController::node_changed(const ObjectPtr& old, const ObjectPtr& now) {
  if (old && now && same_for_daemons(*old, *now)) return;
  for (const ObjectPtr& set : daemon_sets_.list()) {
    Draft pod_template = daemon_template(apps_v1::DaemonSet(*set), "");
    if (fit_of(pod_template, old) != fit_of(pod_template, now)) enqueue(*set);
  }
}

Decision DaemonSetController::reconcile(const std::string& key, MicroTime now) {
  auto [ns, name] = client::split_key(key);
  DaemonWorld world;
  world.daemon_set = daemon_sets_.get(ns, name);
  if (!world.daemon_set) return {};
  const Object& set = *world.daemon_set;
  world.nodes = nodes_.list();
  world.pods = claim_candidates(pods_, set);
  world.revisions = claim_candidates(revisions_, set);
  world.revision_named = [this, in = ns](std::string_view revision) {
    return revisions_.get(in, revision);
  };
  world.failure_delay = [this, &set](std::string_view node) {
    return failed_.remaining(failure_key(set, node), context_.loop.mono());
  };
  return DaemonPlanner(world, now).plan();
}

void DaemonSetController::outcome(const std::string& key, const Action& action,
                                  const ApiStatus* error) {
  if (!action.tag.starts_with(kFailedPodTag)) return;
  auto [ns, name] = client::split_key(key);
  ObjectPtr set = daemon_sets_.get(ns, name);
  if (!set) return;
  std::string_view node = std::string_view(action.tag).substr(kFailedPodTag.size());
  failed_.next(failure_key(*set, node), context_.loop.mono());
}

}  // namespace tiphys::controllers
