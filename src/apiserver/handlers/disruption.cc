#include "apiserver/handlers/disruption.h"

#include "apiserver/registry/meta.h"
#include "kinds/label_selector.h"
#include "kinds/policy_v1.h"

namespace tiphys::apiserver {
namespace {

constexpr int32_t kRetrySeconds = 10;

ApiStatus refused(std::string cause) {
  ApiStatus::Data data = ApiStatus::too_many_requests(
                             "Cannot evict pod as it would violate the pod's disruption budget.", 0)
                             .data();
  data.details.causes.push_back(
      {.reason = "DisruptionBudget", .message = std::move(cause), .field = ""});
  data.has_details = true;
  return ApiStatus(std::move(data));
}

std::vector<ObjectPtr> budgets_of(HandlerEnv& env, std::string_view ns, core_v1::Pod pod) {
  std::vector<ObjectPtr> found;
  if (pod.metadata().labels().empty()) return found;
  for (const ObjectPtr& object : env.hub->lookup().list("policy", "poddisruptionbudgets", ns)) {
    policy_v1::PodDisruptionBudget budget(object->root());
    auto selector = to_selector(budget.spec().has_selector(), budget.spec().selector());
    if (selector && selector->matches(pod.metadata().labels().node())) found.push_back(object);
  }
  return found;
}

Result<Draft> with_disruption(const ObjectPtr& current, std::string_view pod_name, MicroTime now) {
  policy_v1::PodDisruptionBudget budget(current->root());
  policy_v1::PodDisruptionBudgetStatus status = budget.status();
  std::string name(budget.metadata().name());
  if (status.observed_generation() < budget.metadata().generation()) {
    ApiStatus::Data data =
        refused("The disruption budget " + name + " is still being processed by the server.")
            .data();
    data.details.retry_after_seconds = kRetrySeconds;
    return ApiStatus(std::move(data));
  }
  if (status.disruptions_allowed() <= 0) {
    return refused("The disruption budget " + name + " needs " +
                   std::to_string(status.desired_healthy()) + " healthy pods and has " +
                   std::to_string(status.current_healthy()) + " currently");
  }
  Draft draft(*current);
  auto edit = policy_v1::PodDisruptionBudgetEdit(draft).edit_status();
  edit.set_disruptions_allowed(status.disruptions_allowed() - 1);
  edit.edit_disrupted_pods().set(pod_name, now - now % kMicrosPerSecond);
  return draft;
}

Task<Result<Draft>> take_one(std::string pod_name, MicroTime now, ObjectPtr current) {
  co_return with_disruption(current, pod_name, now);
}

bool unprotected(core_v1::Pod pod) {
  std::string_view phase = pod.status().phase();
  return phase == "Succeeded" || phase == "Failed" || phase == "Pending" ||
         pod.metadata().has_deletion_timestamp();
}

}  // namespace

Task<Result<void>> take_disruption(HandlerEnv& env, const RequestContext& context, ObjectPtr pod,
                                   bool dry_run) {
  core_v1::Pod view(pod->root());
  if (unprotected(view)) co_return Result<void>();
  std::vector<ObjectPtr> budgets = budgets_of(env, context.info.ns, view);
  if (budgets.empty()) co_return Result<void>();
  if (budgets.size() > 1) {
    co_return ApiStatus::internal(
        "This pod has more than one PodDisruptionBudget, which the eviction subresource does not "
        "support.");
  }
  WriteScope scope;
  scope.resource = schema::find_resource("policy", "v1", "poddisruptionbudgets");
  scope.subresource = "status";
  scope.ns = context.info.ns;
  scope.name = MetaView(*budgets[0]).name();
  scope.user = &context.user;
  scope.dry_run = dry_run;
  scope.skip_admission = true;
  std::string name = context.info.name;
  MicroTime now = context.now;
  Result<Written> written = co_await env.registry->update(
      std::move(scope), Preconditions{},
      [name, now](ObjectPtr current) { return take_one(name, now, std::move(current)); });
  if (!written) co_return written.error();
  co_return Result<void>();
}

}  // namespace tiphys::apiserver
