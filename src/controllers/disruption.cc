#include "controllers/disruption.h"

#include "base/strings.h"
#include "controllers/ownership.h"
#include "controllers/resources.h"
#include "kinds/apps_v1.h"

namespace tiphys::controllers {

namespace {

constexpr int kWorkers = 1;
constexpr std::string_view kPodKey = "pod ";

LabelSelector pods_of(const Object& budget) {
  policy_v1::PodDisruptionBudgetSpec spec = policy_v1::PodDisruptionBudget(budget).spec();
  return selector_of(spec.selector(), spec.has_selector());
}

template <class Kind>
int32_t replicas_of(const Object& object) {
  return Kind(object).spec().replicas();
}

}  // namespace

DisruptionController::DisruptionController(Context context)
    : Controller(context, "disruption-controller", kWorkers),
      budgets_(watch(pod_disruption_budgets())),
      pods_(watch(pods())) {
  event_source_ = "controllermanager";
  follow(replication_controllers(), replicas_of<core_v1::ReplicationController>);
  follow(deployments(), replicas_of<apps_v1::Deployment>);
  follow(replica_sets(), replicas_of<apps_v1::ReplicaSet>);
  follow(stateful_sets(), replicas_of<apps_v1::StatefulSet>);
  enqueue_changes(budgets_);
  pods_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) { pod_changed(old, now); });
}

void DisruptionController::follow(const schema::Resource& resource,
                                  int32_t (*replicas)(const Object&)) {
  client::Informer& informer = watch(resource);
  scaled_.push_back({&resource, &informer, replicas});
  informer.add_handler([this, replicas](const ObjectPtr& old, const ObjectPtr& now) {
    if (old && now && replicas(*old) == replicas(*now)) return;
    for (const ObjectPtr& budget : budgets_.list(metadata(now ? *now : *old).namespace_())) {
      enqueue(*budget);
    }
  });
}

void DisruptionController::pod_changed(const ObjectPtr& old, const ObjectPtr& now) {
  if (old) enqueue_budgets_of(*old);
  if (!now) return;
  enqueue_budgets_of(*now);
  Decision stale = plan_stale_disruption(now, context_.loop.wall());
  std::string key = std::string(kPodKey) + client::object_key(*now);
  if (stale.look_again) enqueue_after(key, *stale.look_again);
  if (!stale.actions.empty()) enqueue(key);
}

void DisruptionController::enqueue_budgets_of(const Object& pod) {
  for (const ObjectPtr& budget : budgets_.list(metadata(pod).namespace_())) {
    if (pods_of(*budget).matches(metadata(pod).labels().node())) enqueue(*budget);
  }
}

std::optional<PodScale> DisruptionController::find_scale(const meta_v1::OwnerReference& owner,
                                                         std::string_view ns) const {
  for (const Scaled& scaled : scaled_) {
    const schema::Resource& resource = *scaled.resource;
    if (resource.kind != owner.kind() || resource.group != group_of(owner.api_version())) continue;
    ObjectPtr found = scaled.informer->get(ns, owner.name());
    if (!found || metadata(*found).uid() != owner.uid()) continue;
    // A ReplicaSet of a Deployment has no say.
    meta_v1::OwnerReference above = tiphys::controller_of(metadata(*found));
    if (above.kind() == deployments().kind) return find_scale(above, ns);
    return PodScale{std::string(owner.uid()), scaled.replicas(*found)};
  }
  return std::nullopt;
}

Result<PodScale> DisruptionController::scale_of(const ObjectPtr& pod) const {
  meta_v1::OwnerReference owner = tiphys::controller_of(metadata(*pod));
  std::optional<PodScale> found = find_scale(owner, metadata(*pod).namespace_());
  if (found) return *found;
  std::string_view group = group_of(owner.api_version());
  std::string_view version = owner.api_version();
  if (!group.empty()) version.remove_prefix(group.size() + 1);
  const schema::Resource* resource = schema::find_resource_of_kind(group, version, owner.kind());
  if (!resource || resource->find_subresource("scale")) {
    return ApiStatus::bad_request("found no controllers for pod " +
                                  go_quote(metadata(*pod).name()));
  }
  std::string name(resource->resource);
  if (!group.empty()) name += "." + std::string(group);
  return ApiStatus::bad_request(name + " does not implement the scale subresource");
}

Decision DisruptionController::reconcile(const std::string& key, MicroTime now) {
  if (key.starts_with(kPodKey)) {
    auto [ns, name] = client::split_key(std::string_view(key).substr(kPodKey.size()));
    ObjectPtr pod = pods_.get(ns, name);
    return pod ? plan_stale_disruption(pod, now) : Decision();
  }
  auto [ns, name] = client::split_key(key);
  ObjectPtr budget = budgets_.get(ns, name);
  if (!budget) return {};
  DisruptionWorld world;
  world.budget = budget;
  LabelSelector selector = pods_of(*budget);
  for (const ObjectPtr& pod : pods_.list(ns)) {
    if (selector.matches(metadata(*pod).labels().node())) world.pods.push_back(pod);
  }
  world.scale_of = [this](const ObjectPtr& pod) { return scale_of(pod); };
  return plan_disruption_budget(world, now);
}

}  // namespace tiphys::controllers
