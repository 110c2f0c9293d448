// patch: JSON patch, merge patch, strategic merge patch and server-side apply.
#include "apiserver/apply/apply.h"
#include "apiserver/handlers/body.h"
#include "apiserver/handlers/creation.h"
#include "apiserver/handlers/handlers.h"
#include "apiserver/handlers/options.h"
#include "apiserver/handlers/patch_body.h"
#include "apiserver/handlers/patched_text.h"
#include "apiserver/handlers/request_scope.h"
#include "apiserver/managed_fields/managed_fields.h"
#include "apiserver/patch/go_text.h"
#include "apiserver/patch/json_patch.h"
#include "apiserver/patch/merge_patch.h"
#include "apiserver/patch/strategic_merge.h"
#include "apiserver/patch/tree.h"
#include "apiserver/registry/defaults.h"
#include "apiserver/registry/meta.h"
#include "base/strings.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

ApiStatus invalid_patch(std::string_view shown, std::string_view why) {
  FieldErrors errors;
  errors.invalid(FieldPath("patch"), shown, why);
  return ApiStatus::invalid("", "", "", errors.take());
}

// The object as untyped JSON, kind and apiVersion included.
Value untyped(const Object& object, const GroupVersionKind& gvk, Arena& arena) {
  Value tree = codec::to_any(object.type(), object.root(), arena);
  put_entry(arena, *tree.node, "apiVersion", arena.string(gvk.api_version()));
  put_entry(arena, *tree.node, "kind", arena.string(gvk.kind));
  return tree;
}

struct PatchState {
  HandlerEnv* env;
  RequestContext* context;
  WriteOptions options;
  PatchBody body;
  bool warned = false;  // notes are for the first attempt only
};

std::string_view namespace_of(const PatchState& state) { return state.context->object_namespace(); }

Result<Value> apply_patch(PatchState& state, Value document, Arena& arena) {
  const Value& patch = state.body.value;
  if (state.body.kind == PatchKind::kJson) return apply_json_patch(document, patch, arena);
  if (state.body.kind == PatchKind::kMerge) {
    return apply_merge_patch(document, arena.clone(patch), arena);
  }
  return apply_strategic_merge(document, arena.clone(patch), *state.context->resource->message,
                               arena);
}

// What errors about the outcome of a patch show: the patch if it is strategic, else the outcome.
std::string shown_document(const PatchState& state, const Value& document) {
  if (state.body.kind == PatchKind::kStrategic) return go_value_text(state.body.value);
  return patched_text(*state.context->resource->message, document, state.body);
}

Result<void> check_patched_type(const PatchState& state, const Value& document) {
  const GroupVersionKind& gvk = state.context->resource->type->gvk;
  if (document.type != ValueType::kMap) {
    return invalid_patch(shown_document(state, document),
                         "couldn't get version/kind; json parse error");
  }
  std::string_view kind = document.node->find("kind").as_text();
  std::string_view version = document.node->find("apiVersion").as_text();
  bool same = kind == gvk.kind && version == gvk.api_version();
  if (same || kind.empty() || version.empty()) return {};
  return invalid_patch(shown_document(state, document),
                       "no kind " + go_quote(kind) + " is registered for version " +
                           go_quote(version) + " in scheme \"pkg/api/legacyscheme/scheme.go:30\"");
}

// The problems of the patch and of its outcome.
Result<void> validate_fields(PatchState& state, const Value& document,
                             const std::vector<std::string>& found) {
  if (state.warned) return {};
  state.warned = true;
  std::vector<std::string> problems = state.body.problems;
  problems.insert(problems.end(), found.begin(), found.end());
  if (problems.empty()) return {};
  if (state.options.field_validation == FieldValidation::kStrict) {
    return invalid_patch(shown_document(state, document),
                         "strict decoding error: " + join(problems, ", "));
  }
  warn_of_problems(*state.context, state.options.field_validation, problems);
  return {};
}

// The patched document as an object of the endpoint's kind.
Result<Draft> typed(PatchState& state, const Value& document) {
  const schema::Kind& kind = *state.context->resource->type;
  auto checked = check_patched_type(state, document);
  if (!checked) return checked.error();
  Draft draft(*kind.message, &kind.gvk);
  Value body = draft.arena().clone(document);
  erase_entry(*body.node, "kind");
  erase_entry(*body.node, "apiVersion");
  codec::DecodeNotes notes;
  auto root = codec::from_any(body, *kind.message, draft.arena(), &notes);
  if (!root) return invalid_patch(shown_document(state, document), root.error().message());
  draft.set_root(*root);
  auto valid = validate_fields(state, document, notes.problems);
  if (!valid) return valid.error();
  return draft;
}

Result<Draft> patched(PatchState& state, const ObjectPtr& current) {
  RequestContext& context = *state.context;
  if (!current) {
    return ApiStatus::not_found(context.resource->group, context.resource->resource,
                                context.info.name);
  }
  Arena arena;
  Value document = untyped(*current, context.resource->type->gvk, arena);
  TIPHYS_TRY(Value, changed, apply_patch(state, document, arena));
  TIPHYS_TRY(Draft, object, typed(state, changed));
  auto matched = match_namespace(object, namespace_of(state));
  if (!matched) return matched.error();
  auto named = match_name(object, context.info.name, namespace_of(state));
  if (!named) return named.error();
  apply_defaults(*context.resource, object);
  track_update(*context.resource, context.info.subresource, current.get(), object,
               state.options.field_manager, state.env->registry->now());
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

// Duplicate keys of the configuration are looked at once it could be applied.
Result<void> validate_configuration(PatchState& state) {
  if (state.warned || state.body.problems.empty()) return {};
  state.warned = true;
  if (state.options.field_validation == FieldValidation::kStrict) {
    return ApiStatus::bad_request("error strict decoding YAML: " + state.body.problems[0]);
  }
  warn_of_problems(*state.context, state.options.field_validation, state.body.problems);
  return {};
}

Result<Draft> applied(PatchState& state, const ObjectPtr& current) {
  RequestContext& context = *state.context;
  ApplyRequest request;
  request.resource = context.resource;
  request.subresource = context.info.subresource;
  request.manager = state.options.field_manager;
  request.force = state.options.force;
  request.now = state.env->registry->now();
  TIPHYS_TRY(Draft, object, apply_object(request, current.get(), state.body.value));
  auto valid = validate_configuration(state);
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
  co_return state.body.kind == PatchKind::kApply ? applied(state, current)
                                                 : patched(state, current);
}

// Server-side apply creates what isn't there.
Task<Result<Answer>> create_by_apply(HandlerEnv& env, PatchState& state, WriteScope scope) {
  Result<Draft> object = applied(state, nullptr);
  if (!object) co_return object.error();
  Result<Written> written = co_await env.registry->create(std::move(scope), std::move(*object));
  if (!written) co_return written.error();
  co_return Answer::of(std::move(written->object), 201);
}

}  // namespace

Task<Result<Answer>> handle_patch(HandlerEnv& env, RequestContext& context) {
  Result<PatchKind> kind = patch_kind(context.content_type);
  if (!kind) co_return kind.error();
  Result<WriteOptions> options =
      read_write_options(context, "PatchOptions", *kind == PatchKind::kApply);
  if (!options) co_return options.error();
  Result<PatchBody> body = decode_patch(*kind, context.body, options->field_validation);
  if (!body) co_return body.error();
  PatchState state{&env, &context, *options, std::move(*body)};
  WriteScope scope = request_scope(context, options->dry_run);
  scope.ns = context.object_namespace();
  if (*kind == PatchKind::kApply && context.info.subresource.empty() &&
      !env.registry->cacher(*context.resource).get(scope.ns, scope.name)) {
    Result<Answer> created = co_await create_by_apply(env, state, scope);
    if (created || !created.error().is_already_exists()) co_return created;
  }
  Result<Written> written = co_await env.registry->update(
      std::move(scope), Preconditions{},
      [&state](ObjectPtr current) { return patch_transform(state, std::move(current)); });
  if (!written) co_return written.error();
  co_return Answer::of(std::move(written->object), written->created ? 201 : 200);
}

}  // namespace tiphys::apiserver
