// patch: JSON patch, merge patch, strategic merge patch and server-side apply.
#include "apiserver/apply/apply.h"
#include "apiserver/handlers/body.h"
#include "apiserver/handlers/handlers.h"
#include "apiserver/handlers/options.h"
#include "apiserver/managed_fields/managed_fields.h"
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

enum class PatchKind : uint8_t { kJson, kMerge, kStrategic, kApply };

Result<PatchKind> patch_kind(std::string_view content_type) {
  std::string_view media = trim(content_type.substr(0, content_type.find(';')));
  if (media == "application/json-patch+json") return PatchKind::kJson;
  if (media == "application/merge-patch+json") return PatchKind::kMerge;
  if (media == "application/strategic-merge-patch+json") return PatchKind::kStrategic;
  if (media == "application/apply-patch+yaml") return PatchKind::kApply;
  return ApiStatus::unsupported_media_type(
      "the body of the request was in an unknown format - accepted media types include: "
      "application/json-patch+json, application/merge-patch+json, "
      "application/strategic-merge-patch+json, application/apply-patch+yaml");
}

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
  PatchKind kind;
  Arena arena;  // of the patch
  Value patch;
  bool warned = false;  // notes are for the first attempt only
};

Result<Value> apply_patch(PatchState& state, Value document, Value patch, Arena& arena) {
  if (state.kind == PatchKind::kJson) return apply_json_patch(document, patch, arena);
  if (state.kind == PatchKind::kMerge) return apply_merge_patch(document, patch, arena);
  return apply_strategic_merge(document, patch, *state.context->resource->message, arena);
}

std::string json_text(const Value& value) {
  std::string text;
  codec::encode_json_any(value, text);
  return text;
}

// The patched document as an object of the endpoint's kind.
Result<Draft> typed(PatchState& state, const Value& document) {
  const schema::Kind& kind = *state.context->resource->type;
  if (document.type != ValueType::kMap) {
    return invalid_patch(json_text(document), "couldn't get version/kind; json parse error");
  }
  std::string_view seen_kind = document.node->find("kind").as_text();
  std::string_view seen_version = document.node->find("apiVersion").as_text();
  if (seen_kind != kind.gvk.kind || seen_version != kind.gvk.api_version()) {
    if (!seen_kind.empty() && !seen_version.empty()) {
      return invalid_patch(json_text(document),
                           "no kind " + go_quote(seen_kind) + " is registered for version " +
                               go_quote(seen_version) +
                               " in scheme \"pkg/api/legacyscheme/scheme.go:30\"");
    }
  }
  Draft draft(*kind.message, &kind.gvk);
  Value body = draft.arena().clone(document);
  erase_entry(*body.node, "kind");
  erase_entry(*body.node, "apiVersion");
  codec::DecodeNotes notes;
  auto root = codec::from_any(body, *kind.message, draft.arena(), &notes);
  if (!root) return invalid_patch(json_text(document), root.error().message());
  draft.set_root(*root);
  if (!state.warned) {
    auto valid = apply_field_validation(*state.context, state.options.field_validation,
                                        notes.problems, kind);
    if (!valid)
      return invalid_patch(json_text(document),
                           "strict decoding error: " + join(notes.problems, ", "));
    state.warned = true;
  }
  return draft;
}

Task<Result<Draft>> patch_transform(PatchState& state, ObjectPtr current) {
  RequestContext& context = *state.context;
  MicroTime now = state.env->registry->now();
  if (state.kind == PatchKind::kApply) {
    ApplyRequest request;
    request.resource = context.resource;
    request.subresource = context.info.subresource;
    request.manager = state.options.field_manager;
    request.force = state.options.force;
    request.now = now;
    Result<Draft> applied = apply_object(request, current.get(), state.patch);
    if (!applied) co_return applied.error();
    std::string uid(MetaView(*applied).uid());
    if (!current && !uid.empty()) {
      co_return ApiStatus::conflict(context.resource->group, context.resource->resource,
                                    context.info.name,
                                    "uid mismatch: the provided object specified uid " + uid +
                                        ", and no existing object was found");
    }
    std::string_view ns = context.resource->namespaced ? std::string_view(context.info.ns) : "";
    Result<void> named = match_name(*applied, context.info.name, ns);
    if (!named) co_return named.error();
    Result<void> matched = match_namespace(*applied, ns);
    if (!matched) co_return matched.error();
    co_return std::move(*applied);
  }
  if (!current) {
    co_return ApiStatus::not_found(context.resource->group, context.resource->resource,
                                   context.info.name);
  }
  Arena arena;
  Value document = untyped(*current, context.resource->type->gvk, arena);
  Result<Value> patched = apply_patch(state, document, arena.clone(state.patch), arena);
  if (!patched) co_return patched.error();
  Result<Draft> object = typed(state, *patched);
  if (!object) co_return object.error();
  std::string_view ns = context.resource->namespaced ? std::string_view(context.info.ns) : "";
  Result<void> named = match_name(*object, context.info.name, ns);
  if (!named) co_return named.error();
  apply_defaults(*context.resource, *object);
  track_update(*context.resource, context.info.subresource, current.get(), *object,
               state.options.field_manager, now);
  co_return std::move(*object);
}

Result<void> decode_patch(PatchState& state) {
  RequestContext& context = *state.context;
  std::string json;
  std::string_view text = context.body;
  if (state.kind == PatchKind::kApply) {
    auto converted = codec::yaml_to_json(context.body);
    if (!converted) {
      return ApiStatus::bad_request("error decoding YAML: " + converted.error().message());
    }
    json = std::move(*converted);
    text = json;
  }
  auto any = codec::decode_json_any(text, state.arena);
  if (!any) return any.error();
  state.patch = *any;
  return {};
}

// Server-side apply creates what isn't there.
Task<Result<Answer>> create_by_apply(HandlerEnv& env, RequestContext& context, PatchState& state,
                                     WriteScope scope) {
  Result<Draft> object = co_await patch_transform(state, nullptr);
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
  PatchState state{&env, &context, *options, *kind, Arena(), Value()};
  Result<void> decoded = decode_patch(state);
  if (!decoded) co_return decoded.error();
  WriteScope scope;
  scope.resource = context.resource;
  scope.subresource = context.info.subresource;
  scope.ns = context.resource->namespaced ? context.info.ns : "";
  scope.name = context.info.name;
  scope.user = &context.user;
  scope.dry_run = options->dry_run;
  scope.warnings = &context.warnings;
  if (*kind == PatchKind::kApply && context.info.subresource.empty() &&
      !env.registry->cacher(*context.resource).get(scope.ns, scope.name)) {
    Result<Answer> created = co_await create_by_apply(env, context, state, scope);
    if (created || !created.error().is_already_exists()) co_return created;
  }
  Result<Written> written = co_await env.registry->update(
      std::move(scope), Preconditions{},
      [&state](ObjectPtr current) { return patch_transform(state, std::move(current)); });
  if (!written) co_return written.error();
  co_return Answer::of(std::move(written->object), written->created ? 201 : 200);
}

}  // namespace tiphys::apiserver
