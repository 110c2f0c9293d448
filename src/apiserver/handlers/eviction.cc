// pods/eviction: deletes a pod if its disruption budget allows that.
// Upstream: pkg/registry/core/pod/storage/eviction.go.
#include "apiserver/handlers/body.h"
#include "apiserver/handlers/disruption.h"
#include "apiserver/handlers/handlers.h"
#include "apiserver/handlers/options.h"
#include "apiserver/handlers/pod_condition.h"
#include "apiserver/handlers/request_scope.h"
#include "apiserver/handlers/success.h"
#include "apiserver/registry/graceful_delete.h"
#include "apiserver/registry/meta.h"
#include "kinds/policy_v1.h"

namespace tiphys::apiserver {
namespace {

constexpr int kEvictionAttempts = 20;

struct EvictionState {
  HandlerEnv* env;
  RequestContext* context;
  DeleteRequest request;
  bool dry_run = false;
};

Task<Result<Draft>> mark_transform(Preconditions preconditions, MicroTime now,
                                   const schema::Resource* resource, ObjectPtr current) {
  Result<void> held = check_delete_preconditions(*resource, MetaView(*current), preconditions);
  if (!held) co_return held.error();
  Draft draft(*current);
  MetaEdit(draft).clear("resourceVersion");
  set_pod_condition(draft,
                    {.type = "DisruptionTarget",
                     .reason = "EvictionByEvictionAPI",
                     .message = "Eviction API: evicting"},
                    now);
  co_return draft;
}

// Says in the pod's status why it goes, then deletes it.
Task<Result<void>> mark_and_delete(EvictionState& state, DeleteRequest request) {
  Registry& registry = *state.env->registry;
  WriteScope scope = request_scope(*state.context, state.dry_run);
  scope.skip_admission = true;
  scope.subresource = "status";
  if (!state.dry_run) {
    Preconditions wanted = request.preconditions;
    MicroTime now = state.context->now;
    const schema::Resource* resource = state.context->resource;
    Result<Written> marked = co_await registry.update(
        scope, Preconditions{}, [wanted, now, resource](ObjectPtr current) {
          return mark_transform(wanted, now, resource, std::move(current));
        });
    if (!marked) co_return marked.error();
    if (!request.preconditions.resource_version.empty()) {
      request.preconditions.resource_version = MetaView(*marked->object).resource_version();
    }
  }
  scope.subresource.clear();
  Result<Written> written = co_await registry.remove(std::move(scope), std::move(request));
  if (!written) co_return written.error();
  co_return Result<void>();
}

// Pods that protect nothing any more, or not yet.
bool is_unprotected(core_v1::Pod pod) {
  std::string_view phase = pod.status().phase();
  return phase == "Succeeded" || phase == "Failed" || phase == "Pending" ||
         pod.metadata().has_deletion_timestamp();
}

bool may_still_become_ready(core_v1::Pod pod) {
  std::string_view phase = pod.status().phase();
  return phase != "Succeeded" && phase != "Failed" && !pod.metadata().has_deletion_timestamp();
}

Task<Result<void>> evict_unprotected(EvictionState& state, ObjectPtr pod) {
  DeleteRequest request = state.request;
  bool own_version = !request.preconditions.resource_version.empty();
  if (!own_version && may_still_become_ready(core_v1::Pod(pod->root()))) {
    request.preconditions.resource_version = MetaView(*pod).resource_version();
  }
  co_return co_await mark_and_delete(state, std::move(request));
}

Task<Result<void>> evict_protected(EvictionState& state, ObjectPtr pod) {
  Result<Disruption> allowed =
      co_await take_disruption(*state.env, *state.context, pod, state.dry_run);
  if (!allowed) co_return allowed.error();
  DeleteRequest request = state.request;
  bool own_version = !request.preconditions.resource_version.empty();
  if (allowed->unhealthy_pod) {
    // It must not have become ready since.
    request.preconditions.resource_version = MetaView(*pod).resource_version();
  }
  Result<void> gone = co_await mark_and_delete(state, std::move(request));
  if (gone || !gone.error().is_conflict() || !allowed->unhealthy_pod || own_version) co_return gone;
  co_return budget_in_progress(allowed->budget);
}

Task<Result<void>> evict(EvictionState& state) {
  const RequestInfo& info = state.context->info;
  for (int attempt = 1;; ++attempt) {
    Result<ObjectPtr> pod = state.env->registry->get(*state.context->resource, info.ns, info.name);
    if (!pod) co_return pod.error();
    if (!is_unprotected(core_v1::Pod((*pod)->root()))) {
      co_return co_await evict_protected(state, std::move(*pod));
    }
    Result<void> gone = co_await evict_unprotected(state, std::move(*pod));
    bool again =
        !gone && gone.error().is_conflict() && state.request.preconditions.resource_version.empty();
    if (!again || attempt == kEvictionAttempts) co_return gone;
  }
}

DeleteRequest delete_request(meta_v1::DeleteOptions wanted) {
  DeleteRequest request;
  if (wanted.has_grace_period_seconds())
    request.grace_period_seconds = wanted.grace_period_seconds();
  if (wanted.has_orphan_dependents()) request.orphan_dependents = wanted.orphan_dependents();
  request.propagation_policy = wanted.propagation_policy();
  request.preconditions.uid = wanted.preconditions().uid();
  request.preconditions.resource_version = wanted.preconditions().resource_version();
  return request;
}

// The body is of policy/v1 or policy/v1beta1, which say the same.
Result<Draft> decode_eviction(RequestContext& context, FieldValidation validation) {
  Result<Draft> body =
      decode_body(context, *schema::find_kind("policy", "v1", "Eviction"), validation);
  if (body) return body;
  Result<Draft> older =
      decode_body(context, *schema::find_kind("policy", "v1beta1", "Eviction"), validation);
  return older ? std::move(older) : std::move(body);
}

}  // namespace

Task<Result<Answer>> handle_eviction(HandlerEnv& env, RequestContext& context) {
  Result<WriteOptions> options = read_write_options(context, "CreateOptions");
  if (!options) co_return options.error();
  Result<Draft> body = decode_eviction(context, options->field_validation);
  if (!body) co_return body.error();
  Result<void> matched = match_namespace(*body, context.info.ns);
  if (!matched) co_return matched.error();
  if (MetaView(*body).name() != context.info.name) {
    co_return ApiStatus::bad_request("name in URL does not match name in Eviction object");
  }
  meta_v1::DeleteOptions wanted = policy_v1::Eviction(body->root()).delete_options();
  EvictionState state{&env, &context, delete_request(wanted),
                      options->dry_run || !wanted.dry_run().empty()};
  WriteScope scope = request_scope(context, state.dry_run);
  Result<void> admitted = co_await env.registry->admit_create(std::move(scope), &*body);
  if (!admitted) co_return admitted.error();
  Result<void> gone = co_await evict(state);
  if (!gone) co_return gone.error();
  co_return created_success();
}

}  // namespace tiphys::apiserver
