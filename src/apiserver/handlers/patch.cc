// patch: JSON patch, merge patch, strategic merge patch and server-side apply.
#include "apiserver/apply/apply.h"
#include "apiserver/handlers/audited_body.h"
#include "apiserver/handlers/body.h"
#include "apiserver/handlers/creation.h"
#include "apiserver/handlers/handlers.h"
#include "apiserver/handlers/options.h"
#include "apiserver/handlers/patched_object.h"
#include "apiserver/handlers/request_scope.h"
#include "apiserver/managed_fields/managed_fields.h"
#include "apiserver/registry/defaults.h"
#include "apiserver/registry/meta.h"

namespace tiphys::apiserver {
namespace {

struct PatchState {
  HandlerEnv* env;
  RequestContext* context;
  WriteOptions options;
  PatchAttempt attempt;
  bool drop_managers = false;  // the patched object was too large for the store
};

std::string_view namespace_of(const PatchState& state) { return state.context->object_namespace(); }

Result<Draft> patched(PatchState& state, const ObjectPtr& current) {
  RequestContext& context = *state.context;
  if (!current) {
    return ApiStatus::not_found(context.resource->group, context.resource->resource,
                                context.info.name);
  }
  TIPHYS_TRY(Draft, object, patched_object(state.attempt, *context.resource->type, *current));
  auto matched = match_namespace(object, namespace_of(state));
  if (!matched) return matched.error();
  auto named = match_name(object, context.info.name, namespace_of(state));
  if (!named) return named.error();
  apply_defaults(*context.resource, object);
  track_update(*context.resource, context.info.subresource, current.get(), object,
               state.options.field_manager, state.env->registry->now());
  if (state.drop_managers) MetaEdit(object).clear("managedFields");
  return object;
}

Result<void> check_new_object(const PatchState& state, const Draft& object) {
  const RequestContext& context = *state.context;
  std::string_view uid = MetaView(object).uid();
  if (!uid.empty()) {
    return ApiStatus::conflict(context.resource->group, context.resource->resource,
                               context.info.name,
                               "uid mismatch: the provided object specified uid " +
                                   std::string(uid) + ", and no existing object was found");
  }
  return authorize_creation(*state.env, context);
}

Result<Draft> applied(PatchState& state, const ObjectPtr& current) {
  RequestContext& context = *state.context;
  ApplyRequest request;
  request.resource = context.resource;
  request.subresource = context.info.subresource;
  request.manager = state.options.field_manager;
  request.force = state.options.force;
  request.now = state.env->registry->now();
  TIPHYS_TRY(Draft, object, apply_object(request, current.get(), state.attempt.body.value));
  auto valid = validate_configuration(state.attempt);
  if (!valid) return valid.error();
  auto matched = match_namespace(object, namespace_of(state));
  if (!matched) return matched.error();
  auto named = match_name(object, context.info.name, namespace_of(state));
  if (!named) return named.error();
  if (current) return object;
  auto allowed = check_new_object(state, object);
  if (!allowed) return allowed.error();
  return object;
}

Task<Result<Draft>> patch_transform(PatchState& state, ObjectPtr current) {
  co_return state.attempt.body.kind == PatchKind::kApply ? applied(state, current)
                                                         : patched(state, current);
}

// Server-side apply creates what isn't there.
Task<Result<Answer>> create_by_apply(HandlerEnv& env, PatchState& state, WriteScope scope) {
  Result<Draft> object = applied(state, nullptr);
  if (!object) co_return object.error();
  // It is an update to upstream, which takes no notice of the revision of what isn't there.
  MetaEdit(*object).clear("resourceVersion");
  Result<Written> written = co_await env.registry->create(std::move(scope), std::move(*object));
  if (!written) co_return written.error();
  co_return Answer::of(std::move(written->object), 201);
}

Task<Result<Written>> update_by_patch(HandlerEnv& env, PatchState& state, WriteScope scope) {
  return env.registry->update(std::move(scope), Preconditions{}, [&state](ObjectPtr current) {
    return patch_transform(state, std::move(current));
  });
}

}  // namespace

Task<Result<Answer>> handle_patch(HandlerEnv& env, RequestContext& context) {
  Result<PatchKind> kind = patch_kind(context.content_type);
  if (!kind) co_return kind.error();
  Result<WriteOptions> options =
      read_write_options(context, "PatchOptions", *kind == PatchKind::kApply);
  if (!options) co_return options.error();
  audit_patch(context);
  bool may_create = *kind == PatchKind::kApply && context.info.subresource.empty();
  Result<ObjectPtr> there =
      env.registry->get(*context.resource, context.object_namespace(), context.info.name);
  // A patch that nothing can be done with isn't even looked at.
  if (!there && !(may_create && there.error().is_not_found())) co_return there.error();
  Result<PatchBody> body = decode_patch(*kind, context.body, options->field_validation);
  if (!body) co_return body.error();
  PatchState state{&env, &context, *options,
                   PatchAttempt{&context, options->field_validation, std::move(*body)}};
  WriteScope scope = request_scope(context, options->dry_run);
  scope.ns = context.object_namespace();
  if (!there) {
    Result<Answer> created = co_await create_by_apply(env, state, scope);
    if (created || !created.error().is_already_exists()) co_return created;
  }
  Result<Written> written = co_await update_by_patch(env, state, scope);
  bool too_large = !written && storage::is_request_too_large(written.error());
  if (too_large && *kind != PatchKind::kApply) {
    state.drop_managers = true;
    written = co_await update_by_patch(env, state, scope);
  }
  if (!written) co_return written.error();
  co_return Answer::of(std::move(written->object), written->created ? 201 : 200);
}

}  // namespace tiphys::apiserver
