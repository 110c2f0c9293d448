#include "controllers/disruption.h"

#include "base/strings.h"
#include "controllers/ownership.h"
#include "controllers/resource_mapper.h"
#include "controllers/resources.h"
#include "kinds/apps_v1.h"
#include "kinds/autoscaling_v1.h"

namespace tiphys::controllers {

namespace {

constexpr int kWorkers = 1;
constexpr std::string_view kPodKey = "pod ";

// As the schema knows it; null: it doesn't.
const schema::Resource* resource_of(const meta_v1::OwnerReference& owner) {
  std::string_view group = group_of(owner.api_version());
  std::string_view version = owner.api_version();
  if (!group.empty()) version.remove_prefix(group.size() + 1);
  return schema::find_resource_of_kind(group, version, owner.kind());
}

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
  auto asked = asked_.find(owner.uid());
  if (asked != asked_.end()) {
    bool none = asked->second && asked->second->uid.empty();
    if (!none) return asked->second;
  }
  std::string_view group = group_of(owner.api_version());
  const schema::Resource* resource = resource_of(owner);
  if (!resource || resource->find_subresource("scale")) {
    return ApiStatus::bad_request("found no controllers for pod " +
                                  go_quote(metadata(*pod).name()));
  }
  std::string name(resource->resource);
  if (!group.empty()) name += "." + std::string(group);
  return ApiStatus::bad_request(name + " does not implement the scale subresource");
}

std::vector<DisruptionController::Stranger> DisruptionController::strangers_of(
    const std::string& key) const {
  std::map<std::string_view, Stranger> found;
  auto [ns, name] = client::split_key(key);
  ObjectPtr budget = budgets_.get(ns, name);
  if (!budget) return {};
  LabelSelector selector = pods_of(*budget);
  for (const ObjectPtr& pod : pods_.list(ns)) {
    if (!selector.matches(metadata(*pod).labels().node())) continue;
    meta_v1::OwnerReference owner = tiphys::controller_of(metadata(*pod));
    bool known = owner.uid().empty() || find_scale(owner, ns) || resource_of(owner);
    if (known) continue;
    found.try_emplace(owner.uid(), Stranger{std::string(ns), std::string(owner.api_version()),
                                            std::string(owner.kind()), std::string(owner.name()),
                                            std::string(owner.uid())});
  }
  std::vector<Stranger> result;
  for (auto& [uid, owner] : found) result.push_back(std::move(owner));
  return result;
}

// A scale without uid: there is no such owner.
Task<Result<PodScale>> DisruptionController::ask_scale(Stranger owner) {
  std::string group(group_of(owner.api_version));
  std::string version = owner.api_version.substr(group.empty() ? 0 : group.size() + 1);
  auto mapped = co_await map_kind(context_.client, group, owner.kind);
  if (!mapped && mapped.error().code() == 400) {
    co_return ApiStatus::bad_request("no matches for kind " + go_quote(owner.kind) +
                                     " in version " + go_quote(owner.api_version));
  }
  if (!mapped) co_return mapped.error();
  const MappedResource* resource = &mapped->front();
  for (const MappedResource& one : *mapped) {
    if (one.version == version) resource = &one;
  }
  Result<ObjectPtr> scale = co_await context_.client.get(
      resource->view(), resource->namespaced ? owner.ns : "", owner.name, "scale");
  if (!scale && scale.error().is_not_found()) {
    if (resource->has_scale) co_return PodScale();
    co_return ApiStatus::bad_request(resource->resource + (group.empty() ? "" : "." + group) +
                                     " does not implement the scale subresource");
  }
  if (!scale) co_return scale.error();
  bool usable = *scale && &(*scale)->type() == &autoscaling_v1::Scale::message();
  if (!usable) co_return ApiStatus::internal("the server answered with no Scale");
  if (uid_of(**scale) != owner.uid) co_return PodScale();
  co_return PodScale{owner.uid, autoscaling_v1::Scale(**scale).spec().replicas()};
}

Task<Result<void>> DisruptionController::sync(std::string key) {
  asked_.clear();
  std::vector<Stranger> strangers;
  if (!key.starts_with(kPodKey)) strangers = strangers_of(key);
  for (const Stranger& owner : strangers) {
    Result<PodScale> scale = co_await ask_scale(owner);
    asked_.emplace(owner.uid, std::move(scale));
  }
  Result<void> done = co_await Controller::sync(std::move(key));
  co_return done;
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
