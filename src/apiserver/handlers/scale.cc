// scale: the number of replicas of an object and how it selects its pods, as an autoscaling/v1
// Scale. Upstream: pkg/registry/apps/*/storage, pkg/registry/core/replicationcontroller/storage.
#include "apiserver/handlers/body.h"
#include "apiserver/handlers/handlers.h"
#include "apiserver/handlers/options.h"
#include "apiserver/handlers/request_scope.h"
#include "apiserver/managed_fields/managed_fields.h"
#include "apiserver/managed_fields/scale_entries.h"
#include "apiserver/patch/json_patch.h"
#include "apiserver/patch/merge_patch.h"
#include "apiserver/patch/strategic_merge.h"
#include "apiserver/patch/tree.h"
#include "apiserver/registry/meta.h"
#include "apiserver/registry/object_meta.h"
#include "base/strings.h"
#include "codec/codec.h"
#include "kinds/autoscaling_v1.h"
#include "kinds/label_selector.h"
#include "kinds/meta_v1.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kJsonPatch = "application/json-patch+json";
constexpr std::string_view kMergePatch = "application/merge-patch+json";
constexpr std::string_view kStrategicPatch = "application/strategic-merge-patch+json";
constexpr std::string_view kApplyPatch = "application/apply-patch+yaml";

const schema::Kind& scale_kind() { return *schema::find_kind("autoscaling", "v1", "Scale"); }

// Scales are no resource of their own; the rules of metadata ask for one.
const schema::Resource& scale_resource() {
  static const schema::Resource resource = [] {
    schema::Resource made;
    made.group = "autoscaling";
    made.version = "v1";
    made.resource = "scales";
    made.kind = "Scale";
    made.namespaced = true;
    made.message = scale_kind().message;
    made.type = &scale_kind();
    return made;
  }();
  return resource;
}

// The selector as text: "a=b,c in (d,e)"; "" if there is none.
std::string selector_text(const Object& object) {
  const Value& selector = schema::find_path(object.type(), object.root(), {"spec", "selector"});
  if (selector.type == ValueType::kMap) return LabelSelector::from_map(*selector.node).text();
  auto parsed =
      to_selector(selector.type != ValueType::kNull, meta_v1::LabelSelector(selector.as_node()));
  return !parsed || parsed->matches_nothing() ? "" : parsed->text();
}

Managers managers_of(const schema::Message& type, const Node& root) {
  auto read = read_managers(type, root);
  return read ? std::move(*read) : Managers{};
}

// Without managedFields.
Draft scale_of(const Object& object) {
  Draft draft = autoscaling_v1::Scale::make();
  MetaView meta(object);
  MetaEdit edit(draft);
  for (std::string_view field :
       {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"}) {
    edit.copy(field, meta);
  }
  autoscaling_v1::ScaleEdit scale(draft);
  auto integer = [&](std::initializer_list<std::string_view> path) {
    return static_cast<int32_t>(schema::find_path(object.type(), object.root(), path).as_int());
  };
  scale.edit_spec().set_replicas(integer({"spec", "replicas"}));
  scale.edit_status().set_replicas(integer({"status", "replicas"}));
  scale.edit_status().set_selector(selector_text(object));
  return draft;
}

void set_replicas(Draft& object, int32_t replicas) {
  const schema::Message& type = object.type();
  Node& spec = ensure_node(object.arena(), object.root(), static_cast<uint16_t>(type.spec_field),
                           ValueType::kStruct);
  const schema::Message& spec_type = *type.fields[static_cast<size_t>(type.spec_field)].message;
  const schema::Field* field = spec_type.find("replicas");
  set_field(object.arena(), spec, spec_type.index_of(*field), Value::of_int(replicas));
}

struct ScaleState {
  HandlerEnv* env;
  RequestContext* context;
  WriteOptions options;
  std::optional<Draft> body;  // PUT
  Arena arena;
  Value patch;  // PATCH
  std::string_view patch_type;
};

Result<Value> patch_document(ScaleState& state, Value document, Arena& arena) {
  if (state.patch_type == kJsonPatch) return apply_json_patch(document, state.patch, arena);
  Value patch = arena.clone(state.patch);
  if (state.patch_type == kMergePatch) return apply_merge_patch(document, patch, arena);
  return apply_strategic_merge(document, patch, *scale_kind().message, arena);
}

// 422: what the patch made of the scale is none.
ApiStatus invalid_patch(const Value& patched, std::string_view why) {
  std::string text;
  codec::encode_json_any(patched, text);
  FieldErrors errors;
  errors.invalid(FieldPath("patch"), text, why);
  return ApiStatus::invalid("", "", "", errors.take());
}

Result<Draft> wanted_scale(ScaleState& state, const Draft& current) {
  if (state.body) return state.body->clone();
  const schema::Kind& kind = scale_kind();
  Arena arena;
  Value document = codec::to_any(current.type(), current.root(), arena);
  put_entry(arena, *document.node, "apiVersion", arena.string(kind.gvk.api_version()));
  put_entry(arena, *document.node, "kind", arena.string(kind.gvk.kind));
  TIPHYS_TRY(Value, patched, patch_document(state, document, arena));
  Draft draft(*kind.message, &kind.gvk);
  Value body = draft.arena().clone(patched);
  if (body.type == ValueType::kMap) {
    erase_entry(*body.node, "kind");
    erase_entry(*body.node, "apiVersion");
  }
  codec::DecodeNotes notes;
  auto root = codec::from_any(body, *kind.message, draft.arena(), &notes);
  if (!root) return invalid_patch(patched, root.error().message());
  draft.set_root(*root);
  auto valid =
      apply_field_validation(*state.context, state.options.field_validation, notes.problems, kind);
  if (!valid) {
    return invalid_patch(patched, "strict decoding error: " + join(notes.problems, ", "));
  }
  return draft;
}

Result<void> validate_scale(const Draft& scale, std::string_view name) {
  autoscaling_v1::Scale view(scale.root());
  FieldErrors errors;
  validate_object_meta(scale_resource(), MetaView(scale), errors);
  if (view.spec().replicas() < 0) {
    errors.invalid(FieldPath("spec").child("replicas"), view.spec().replicas(),
                   "must be greater than or equal to 0");
  }
  if (errors.empty()) return {};
  return ApiStatus::invalid("autoscaling", "Scale", name, errors.take());
}

Task<Result<Draft>> scale_transform(ScaleState& state, ObjectPtr current) {
  RequestContext& context = *state.context;
  Managers owners = managers_of(current->type(), current->root());
  Draft before = scale_of(*current);
  write_managers(before, scale_entries(owners));
  Result<Draft> scale = wanted_scale(state, before);
  if (!scale) co_return scale.error();
  Result<void> matched = match_namespace(*scale, context.info.ns);
  if (!matched) co_return matched.error();
  Result<void> named = match_name(*scale, context.info.name, context.info.ns);
  if (!named) co_return named.error();
  ObjectPtr old_scale = before.freeze();
  track_update(scale_resource(), "scale", old_scale.get(), *scale, state.options.field_manager,
               state.env->registry->now());
  Result<void> valid = validate_scale(*scale, context.info.name);
  if (!valid) co_return valid.error();
  Draft object(*current);
  autoscaling_v1::Scale view(scale->root());
  set_replicas(object, view.spec().replicas());
  MetaEdit(object).set_text("resourceVersion", view.metadata().resource_version());
  write_managers(object,
                 merge_scale_entries(std::move(owners), managers_of(scale->type(), scale->root()),
                                     context.resource->type->gvk.api_version()));
  co_return object;
}

Task<Result<Answer>> write_scale(HandlerEnv& env, RequestContext& context, ScaleState& state) {
  WriteScope scope = request_scope(context, state.options.dry_run);
  Preconditions preconditions;
  if (state.body) preconditions.uid = MetaView(*state.body).uid();
  Result<Written> written = co_await env.registry->update(
      std::move(scope), std::move(preconditions),
      [&state](ObjectPtr current) { return scale_transform(state, std::move(current)); });
  if (!written) co_return written.error();
  co_return Answer::of(scale_of(*written->object).freeze());
}

Result<Answer> read_scale(HandlerEnv& env, const RequestContext& context) {
  const schema::Resource& resource = *context.resource;
  Result<ObjectPtr> object = env.registry->get(resource, context.info.ns, context.info.name);
  if (object) return Answer::of(scale_of(**object).freeze());
  if (!object.error().is_not_found()) return object.error();
  // Upstream names the scale of a replication controller by the Scale's own group.
  std::string_view group = resource.group.empty() ? "autoscaling" : resource.group;
  return ApiStatus::not_found(group, std::string(resource.resource) + "/scale", context.info.name);
}

Result<void> read_patch(ScaleState& state) {
  std::string_view given = state.context->content_type;
  std::string_view media = trim(given.substr(0, given.find(';')));
  for (std::string_view known : {kJsonPatch, kMergePatch, kStrategicPatch}) {
    if (media == known) state.patch_type = known;
  }
  if (media == kApplyPatch) {
    return ApiStatus(501, "NotImplemented", "server-side apply of scale is not implemented yet");
  }
  if (state.patch_type.empty()) {
    return ApiStatus::unsupported_media_type(
        "the body of the request was in an unknown format - accepted media types include: " +
        join({std::string(kJsonPatch), std::string(kMergePatch), std::string(kStrategicPatch),
              std::string(kApplyPatch)},
             ", "));
  }
  auto any = codec::decode_json_any(state.context->body, state.arena);
  if (!any) return ApiStatus::bad_request(any.error().message());
  state.patch = *any;
  return {};
}

}  // namespace

Task<Result<Answer>> handle_scale(HandlerEnv& env, RequestContext& context) {
  if (context.method == "GET") co_return read_scale(env, context);
  bool patching = context.method == "PATCH";
  Result<WriteOptions> options =
      read_write_options(context, patching ? "PatchOptions" : "UpdateOptions");
  if (!options) co_return options.error();
  ScaleState state{&env, &context, *options, std::nullopt, Arena(), Value(), ""};
  if (patching) {
    Result<void> read = read_patch(state);
    if (!read) co_return read.error();
  } else {
    Result<Draft> body = decode_body(context, scale_kind(), options->field_validation);
    if (!body) co_return body.error();
    state.body = std::move(*body);
  }
  co_return co_await write_scale(env, context, state);
}

}  // namespace tiphys::apiserver
