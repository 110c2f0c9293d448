// create and update.
#include "apiserver/handlers/body.h"
#include "apiserver/handlers/creation.h"
#include "apiserver/handlers/handlers.h"
#include "apiserver/handlers/options.h"
#include "apiserver/handlers/request_scope.h"
#include "apiserver/managed_fields/managed_fields.h"
#include "apiserver/registry/defaults.h"
#include "apiserver/registry/meta.h"
#include "apiserver/registry/owner_references.h"

namespace tiphys::apiserver {
namespace {

// Namespaces carry themselves as the request's namespace; their objects have none.
std::string_view object_namespace(const RequestContext& context) {
  return context.resource->namespaced ? std::string_view(context.info.ns) : std::string_view();
}

Answer written_answer(Written written) {
  return Answer::of(std::move(written.object), written.created ? 201 : 200);
}

struct PutState {
  HandlerEnv* env;
  RequestContext* context;
  WriteOptions options;
  ObjectPtr body;
};

Task<Result<Draft>> put_transform(PutState& state, ObjectPtr current) {
  if (!current) {
    Result<void> allowed = authorize_creation(*state.env, *state.context);
    if (!allowed) co_return allowed.error();
  }
  Draft object(*state.body);
  track_update(*state.context->resource, state.context->info.subresource, current.get(), object,
               state.options.field_manager, state.env->registry->now());
  co_return object;
}

}  // namespace

Task<Result<Answer>> handle_create(HandlerEnv& env, RequestContext& context) {
  Result<WriteOptions> options = read_write_options(context, "CreateOptions");
  if (!options) co_return options.error();
  Result<Draft> object = decode_body(context, *context.resource->type, options->field_validation);
  if (!object) co_return object.error();
  Result<void> matched = match_namespace(*object, object_namespace(context));
  if (!matched) co_return matched.error();
  merge_owner_references(*object, &context.warnings, false);
  apply_defaults(*context.resource, *object);
  track_update(*context.resource, "", nullptr, *object, options->field_manager,
               env.registry->now());
  if (context.resource->etcd_prefix.empty()) {
    if (!env.review) co_return ApiStatus::service_unavailable("reviews are not served here");
    Result<ObjectPtr> answer =
        co_await env.review(*context.resource, context.info.ns, std::move(*object), context.user);
    if (!answer) co_return answer.error();
    co_return Answer::of(std::move(*answer), 201);
  }
  WriteScope scope = request_scope(context, options->dry_run);
  scope.name = MetaView(*object).name();
  scope.ns = object_namespace(context);
  Result<Written> written = co_await env.registry->create(std::move(scope), std::move(*object));
  if (!written) co_return written.error();
  co_return written_answer(std::move(*written));
}

Task<Result<Answer>> handle_update(HandlerEnv& env, RequestContext& context) {
  Result<WriteOptions> options = read_write_options(context, "UpdateOptions");
  if (!options) co_return options.error();
  Result<Draft> object = decode_body(context, *context.resource->type, options->field_validation);
  if (!object) co_return object.error();
  Result<void> named = match_name(*object, context.info.name, object_namespace(context));
  if (!named) co_return named.error();
  Result<void> matched = match_namespace(*object, object_namespace(context));
  if (!matched) co_return matched.error();
  merge_owner_references(*object, &context.warnings, false);
  apply_defaults(*context.resource, *object);
  Preconditions preconditions;
  preconditions.uid = MetaView(*object).uid();
  WriteScope scope = request_scope(context, options->dry_run);
  scope.ns = object_namespace(context);
  PutState state{&env, &context, *options, object->freeze()};
  Result<Written> written = co_await env.registry->update(
      std::move(scope), std::move(preconditions),
      [&state](ObjectPtr current) { return put_transform(state, std::move(current)); });
  if (!written) co_return written.error();
  co_return written_answer(std::move(*written));
}

}  // namespace tiphys::apiserver
