#include "apiserver/handlers/disruption.h"

#include "apiserver/managed_fields/managed_fields.h"
#include "apiserver/registry/meta.h"
#include "kinds/label_selector.h"
#include "kinds/pods.h"
#include "kinds/policy_v1.h"

namespace tiphys::apiserver {
namespace {

constexpr int32_t kRetrySeconds = 10;

ApiStatus refused(std::string cause, int32_t retry_seconds) {
  ApiStatus::Data data =
      ApiStatus::too_many_requests(
          "Cannot evict pod as it would violate the pod's disruption budget.", retry_seconds)
          .data();
  data.details.causes.push_back(
      {.reason = "DisruptionBudget", .message = std::move(cause), .field = ""});
  return ApiStatus(std::move(data));
}

ApiStatus forbidden(std::string_view budget, std::string_view why) {
  return ApiStatus::forbidden("policy", "poddisruptionbudget", budget, why);
}

std::vector<ObjectPtr> budgets_of(HandlerEnv& env, std::string_view ns, core_v1::Pod pod) {
  std::vector<ObjectPtr> found;
  for (const ObjectPtr& object : env.hub->lookup().list("policy", "poddisruptionbudgets", ns)) {
    policy_v1::PodDisruptionBudget budget(object->root());
    auto selector = to_selector(budget.spec().has_selector(), budget.spec().selector());
    if (selector && selector->matches(pod.metadata().labels().node())) found.push_back(object);
  }
  return found;
}

meta_v1::Condition allowed_condition(policy_v1::PodDisruptionBudgetStatus status) {
  for (meta_v1::Condition condition : status.conditions()) {
    if (condition.type() == "DisruptionAllowed") return condition;
  }
  return meta_v1::Condition();
}

// Why the budget allows no disruption.
std::string shortage(std::string_view name, policy_v1::PodDisruptionBudgetStatus status) {
  meta_v1::Condition condition = allowed_condition(status);
  bool explained = condition.status() == "False" && !condition.message().empty();
  std::string text = "The disruption budget " + std::string(name);
  // The counts of a budget that failed to sync are worth nothing.
  if (explained && condition.reason() == "SyncFailed") {
    return text + " does not allow evicting pods currently because it failed sync: " +
           std::string(condition.message());
  }
  if (status.current_healthy() <= status.desired_healthy()) {
    return text + " needs " + std::to_string(status.desired_healthy()) + " healthy pods and has " +
           std::to_string(status.current_healthy()) + " currently";
  }
  text += " does not allow evicting pods currently";
  if (!explained) return text;
  return text + " (" + std::string(condition.reason()) + "): " + std::string(condition.message());
}

// The condition that says whether a disruption is left, once none is.
void set_insufficient(policy_v1::PodDisruptionBudgetStatusEdit status, int64_t generation,
                      MicroTime now) {
  auto conditions = status.edit_conditions();
  size_t at = 0;
  while (at < conditions.size() &&
         meta_v1::Condition(conditions[at].node()).type() != "DisruptionAllowed") {
    ++at;
  }
  if (at == conditions.size()) conditions.append();
  auto condition = conditions[at];
  bool moved = meta_v1::Condition(condition.node()).status() != "False";
  condition.set_type("DisruptionAllowed");
  condition.set_status("False");
  condition.set_reason("InsufficientPods");
  condition.set_message("");
  condition.set_observed_generation(generation);
  if (moved) condition.set_last_transition_time(whole_seconds(now));
}

Result<Draft> with_disruption(const ObjectPtr& current, std::string_view pod_name, MicroTime now) {
  policy_v1::PodDisruptionBudget budget(current->root());
  policy_v1::PodDisruptionBudgetStatus status = budget.status();
  std::string_view name = budget.metadata().name();
  if (status.observed_generation() < budget.metadata().generation()) {
    return budget_in_progress(name);
  }
  if (status.disruptions_allowed() < 0) {
    return forbidden(name, "pdb disruptions allowed is negative");
  }
  if (status.disrupted_pods().size() > kMaxDisruptedPods) {
    return forbidden(name,
                     "DisruptedPods map too big - too many evictions not confirmed by PDB "
                     "controller");
  }
  if (status.disruptions_allowed() == 0) return refused(shortage(name, status), 0);
  int32_t left = status.disruptions_allowed() - 1;
  int64_t generation = status.observed_generation();
  Draft draft(*current);
  auto edit = policy_v1::PodDisruptionBudgetEdit(draft).edit_status();
  edit.set_disruptions_allowed(left);
  edit.edit_disrupted_pods().set(pod_name, whole_seconds(now));
  if (left == 0) set_insufficient(edit, generation, now);
  return draft;
}

Task<Result<Draft>> take_one(const schema::Resource* resource, std::string pod_name, MicroTime now,
                             ObjectPtr current) {
  Result<Draft> changed = with_disruption(current, pod_name, now);
  if (changed) track_update(*resource, "status", current.get(), *changed, "kube-apiserver", now);
  co_return changed;
}

// A pod that isn't ready counts for nothing: it may go where the budget's policy says so.
bool may_go_unhealthy(core_v1::Pod pod, policy_v1::PodDisruptionBudget budget) {
  if (kinds::is_ready(pod)) return false;
  if (budget.spec().unhealthy_pod_eviction_policy() == "AlwaysAllow") return true;
  policy_v1::PodDisruptionBudgetStatus status = budget.status();
  return status.current_healthy() >= status.desired_healthy() && status.desired_healthy() > 0;
}

}  // namespace

ApiStatus budget_in_progress(std::string_view budget) {
  return refused(
      "The disruption budget " + std::string(budget) + " is still being processed by the server.",
      kRetrySeconds);
}

Task<Result<Disruption>> take_disruption(HandlerEnv& env, const RequestContext& context,
                                         ObjectPtr pod, bool dry_run) {
  core_v1::Pod view(pod->root());
  std::vector<ObjectPtr> budgets = budgets_of(env, context.info.ns, view);
  Disruption disruption;
  if (budgets.empty()) co_return disruption;
  if (budgets.size() > 1) {
    co_return ApiStatus(500, "",
                        "This pod has more than one PodDisruptionBudget, which the eviction "
                        "subresource does not support.");
  }
  disruption.budget = MetaView(*budgets[0]).name();
  disruption.unhealthy_pod =
      may_go_unhealthy(view, policy_v1::PodDisruptionBudget(budgets[0]->root()));
  if (disruption.unhealthy_pod) co_return disruption;
  WriteScope scope;
  scope.resource = schema::find_resource("policy", "v1", "poddisruptionbudgets");
  scope.subresource = "status";
  scope.ns = context.info.ns;
  scope.name = disruption.budget;
  scope.user = &context.user;
  scope.dry_run = dry_run;
  scope.skip_admission = true;
  std::string name = context.info.name;
  MicroTime now = context.now;
  const schema::Resource* resource = scope.resource;
  Result<Written> written = co_await env.registry->update(
      std::move(scope), Preconditions{}, [resource, name, now](ObjectPtr current) {
        return take_one(resource, name, now, std::move(current));
      });
  if (!written) co_return written.error();
  co_return disruption;
}

}  // namespace tiphys::apiserver
