// scale: the number of replicas of an object and how it selects its pods, as an autoscaling/v1
// Scale. Upstream: pkg/registry/apps/*/storage, pkg/registry/core/replicationcontroller/storage.
#include "apiserver/apply/apply.h"
#include "apiserver/handlers/audited_body.h"
#include "apiserver/handlers/body.h"
#include "apiserver/handlers/handlers.h"
#include "apiserver/handlers/options.h"
#include "apiserver/handlers/patched_object.h"
#include "apiserver/handlers/request_scope.h"
#include "apiserver/managed_fields/managed_fields.h"
#include "apiserver/managed_fields/scale_entries.h"
#include "apiserver/registry/meta.h"
#include "apiserver/registry/object_meta.h"
#include "kinds/autoscaling_v1.h"
#include "kinds/label_selector.h"
#include "kinds/meta_v1.h"

namespace tiphys::apiserver {
namespace {

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
  std::optional<Draft> body;          // PUT
  std::optional<PatchAttempt> patch;  // PATCH
};

Result<Draft> applied_scale(ScaleState& state, const Object& current) {
  ApplyRequest request;
  request.resource = &scale_resource();
  request.subresource = "scale";
  request.manager = state.options.field_manager;
  request.force = state.options.force;
  request.now = state.env->registry->now();
  TIPHYS_TRY(Draft, scale, apply_object(request, &current, state.patch->body.value));
  auto strict = validate_configuration(*state.patch);
  if (!strict) return strict.error();
  return scale;
}

// The scale that the request asks for, with its managers.
Result<Draft> wanted_scale(ScaleState& state, const Object& current) {
  if (state.patch && state.patch->body.kind == PatchKind::kApply) {
    return applied_scale(state, current);
  }
  Result<Draft> scale = state.body ? Result<Draft>(state.body->clone())
                                   : patched_object(*state.patch, scale_kind(), current);
  if (!scale) return scale;
  track_update(scale_resource(), "scale", &current, *scale, state.options.field_manager,
               state.env->registry->now());
  return scale;
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
  ObjectPtr old_scale = before.freeze();
  Result<Draft> scale = wanted_scale(state, *old_scale);
  if (!scale) co_return scale.error();
  Result<void> matched = match_namespace(*scale, context.info.ns);
  if (!matched) co_return matched.error();
  Result<void> named = match_name(*scale, context.info.name, context.info.ns);
  if (!named) co_return named.error();
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

}  // namespace

Task<Result<Answer>> handle_scale(HandlerEnv& env, RequestContext& context) {
  if (context.method == "GET") co_return read_scale(env, context);
  bool patching = context.method == "PATCH";
  Result<PatchKind> patch = PatchKind::kJson;
  if (patching) patch = patch_kind(context.content_type);
  if (!patch) co_return patch.error();
  Result<WriteOptions> options =
      read_write_options(context, patching ? "PatchOptions" : "UpdateOptions",
                         patching && *patch == PatchKind::kApply);
  if (!options) co_return options.error();
  ScaleState state{&env, &context, *options, std::nullopt, std::nullopt};
  if (patching) {
    audit_patch(context);
    Result<ObjectPtr> there =
        env.registry->get(*context.resource, context.info.ns, context.info.name);
    if (!there) co_return there.error();
    Result<PatchBody> body = decode_patch(*patch, context.body, options->field_validation);
    if (!body) co_return body.error();
    state.patch.emplace(&context, options->field_validation, std::move(*body));
  } else {
    Result<Draft> body = decode_body(context, scale_kind(), options->field_validation);
    if (!body) co_return body.error();
    state.body = std::move(*body);
  }
  co_return co_await write_scale(env, context, state);
}

}  // namespace tiphys::apiserver
