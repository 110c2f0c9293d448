// scale, binding, eviction and token.
#include "apiserver/handlers/body.h"
#include "apiserver/handlers/disruption.h"
#include "apiserver/handlers/handlers.h"
#include "apiserver/handlers/options.h"
#include "apiserver/managed_fields/managed_fields.h"
#include "apiserver/patch/json_patch.h"
#include "apiserver/patch/merge_patch.h"
#include "apiserver/patch/tree.h"
#include "apiserver/registry/meta.h"
#include "codec/codec.h"
#include "kinds/authentication_v1.h"
#include "kinds/autoscaling_v1.h"
#include "kinds/core_v1.h"
#include "kinds/meta_v1.h"
#include "kinds/policy_v1.h"

namespace tiphys::apiserver {
namespace {

WriteScope scope_of(RequestContext& context, bool dry_run) {
  WriteScope scope;
  scope.resource = context.resource;
  scope.subresource = context.info.subresource;
  scope.ns = context.info.ns;
  scope.name = context.info.name;
  scope.user = &context.user;
  scope.dry_run = dry_run;
  scope.warnings = &context.warnings;
  return scope;
}

ObjectPtr success(int code) {
  Draft draft = meta_v1::Status::make();
  meta_v1::StatusEdit status(draft);
  status.set_status("Success");
  status.set_code(code);
  return draft.freeze();
}

// ---- scale ----

// The selector as text: "a=b,c in (d,e)".
std::string selector_text(const Object& object) {
  const Value& selector = schema::find_path(object.type(), object.root(), {"spec", "selector"});
  std::string text;
  auto add = [&](std::string_view term) {
    if (!text.empty()) text += ',';
    text += term;
  };
  if (selector.type == ValueType::kMap) {
    for (uint32_t i = 0; i + 1 < selector.node->size; i += 2) {
      add(std::string(selector.node->data[i].as_text()) + "=" +
          std::string(selector.node->data[i + 1].as_text()));
    }
    return text;
  }
  meta_v1::LabelSelector labels(selector.as_node());
  for (auto entry : labels.match_labels()) {
    add(std::string(entry.key) + "=" + std::string(entry.value));
  }
  for (meta_v1::LabelSelectorRequirement requirement : labels.match_expressions()) {
    std::string term(requirement.key());
    if (requirement.operator_() == "DoesNotExist") term = "!" + term;
    if (requirement.operator_() == "In" || requirement.operator_() == "NotIn") {
      term += requirement.operator_() == "In" ? " in (" : " notin (";
      bool first = true;
      for (std::string_view value : requirement.values()) {
        if (!first) term += ',';
        term += value;
        first = false;
      }
      term += ')';
    }
    add(term);
  }
  return text;
}

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
  bool json_patch = false;
};

Result<Draft> wanted_scale(ScaleState& state, const Object& current) {
  if (state.body) return state.body->clone();
  const schema::Kind& kind = *schema::find_kind("autoscaling", "v1", "Scale");
  Draft scale = scale_of(current);
  Arena arena;
  Value document = codec::to_any(scale.type(), scale.root(), arena);
  Result<Value> patched =
      state.json_patch
          ? apply_json_patch(document, state.patch, arena)
          : Result<Value>(apply_merge_patch(document, arena.clone(state.patch), arena));
  if (!patched) return patched.error();
  Draft draft(*kind.message, &kind.gvk);
  Value body = draft.arena().clone(*patched);
  if (body.type == ValueType::kMap) {
    erase_entry(*body.node, "kind");
    erase_entry(*body.node, "apiVersion");
  }
  auto root = codec::from_any(body, *kind.message, draft.arena(), nullptr);
  if (!root) return root.error();
  draft.set_root(*root);
  return draft;
}

Task<Result<Draft>> scale_transform(ScaleState& state, ObjectPtr current) {
  RequestContext& context = *state.context;
  Result<Draft> scale = wanted_scale(state, *current);
  if (!scale) co_return scale.error();
  Result<void> named = match_name(*scale, context.info.name, context.info.ns);
  if (!named) co_return named.error();
  autoscaling_v1::Scale view(scale->root());
  FieldErrors errors;
  if (view.metadata().namespace_().empty()) {
    errors.required(FieldPath("metadata").child("namespace"));
  }
  if (view.spec().replicas() < 0) {
    errors.invalid(FieldPath("spec").child("replicas"), view.spec().replicas(),
                   "must be greater than or equal to 0");
  }
  if (!errors.empty()) {
    co_return ApiStatus::invalid("autoscaling", "Scale", context.info.name, errors.take());
  }
  Draft object(*current);
  set_replicas(object, view.spec().replicas());
  MetaEdit(object).set_text("resourceVersion", view.metadata().resource_version());
  MetaEdit(object).set_text("uid", view.metadata().uid());
  track_update(*context.resource, "scale", current.get(), object, state.options.field_manager,
               state.env->registry->now());
  co_return object;
}

Task<Result<Answer>> write_scale(HandlerEnv& env, RequestContext& context, ScaleState& state) {
  WriteScope scope = scope_of(context, state.options.dry_run);
  Preconditions preconditions;
  if (state.body) preconditions.uid = MetaView(*state.body).uid();
  Result<Written> written = co_await env.registry->update(
      std::move(scope), std::move(preconditions),
      [&state](ObjectPtr current) { return scale_transform(state, std::move(current)); });
  if (!written) co_return written.error();
  co_return Answer::of(scale_of(*written->object).freeze());
}

}  // namespace

Task<Result<Answer>> handle_scale(HandlerEnv& env, RequestContext& context) {
  if (context.method == "GET") {
    Result<ObjectPtr> object =
        env.registry->get(*context.resource, context.info.ns, context.info.name);
    if (!object) {
      if (!object.error().is_not_found()) co_return object.error();
      co_return ApiStatus::not_found(context.resource->group,
                                     std::string(context.resource->resource) + "/scale",
                                     context.info.name);
    }
    co_return Answer::of(scale_of(**object).freeze());
  }
  bool patching = context.method == "PATCH";
  Result<WriteOptions> options =
      read_write_options(context, patching ? "PatchOptions" : "UpdateOptions");
  if (!options) co_return options.error();
  ScaleState state{&env, &context, *options, std::nullopt, Arena(), Value(), false};
  if (!patching) {
    const schema::Kind& kind = *schema::find_kind("autoscaling", "v1", "Scale");
    Result<Draft> body = decode_body(context, kind, options->field_validation);
    if (!body) co_return body.error();
    state.body = std::move(*body);
    co_return co_await write_scale(env, context, state);
  }
  if (context.content_type == "application/apply-patch+yaml") {
    co_return ApiStatus(501, "NotImplemented", "server-side apply of scale is not implemented yet");
  }
  auto any = codec::decode_json_any(context.body, state.arena);
  if (!any) co_return ApiStatus::bad_request(any.error().message());
  state.patch = *any;
  state.json_patch = context.content_type == "application/json-patch+json";
  co_return co_await write_scale(env, context, state);
}

// ---- binding ----

namespace {

Task<Result<Draft>> bind_transform(RequestContext& context, ObjectPtr current, ObjectPtr binding) {
  core_v1::Binding wanted(binding->root());
  core_v1::Pod pod(current->root());
  std::string_view name = context.info.name;
  auto refuse = [&](std::string why) { return ApiStatus::conflict("", "pods/binding", name, why); };
  if (pod.metadata().has_deletion_timestamp()) {
    co_return refuse("pod " + std::string(name) +
                     " is being deleted, cannot be assigned to a host");
  }
  if (!wanted.metadata().uid().empty() && wanted.metadata().uid() != pod.metadata().uid()) {
    co_return refuse(
        "Precondition failed: UID in precondition: " + std::string(wanted.metadata().uid()) +
        ", UID in object meta: " + std::string(pod.metadata().uid()));
  }
  if (!pod.spec().node_name().empty()) {
    co_return refuse("pod " + std::string(name) + " is already assigned to node \"" +
                     std::string(pod.spec().node_name()) + "\"");
  }
  Draft draft(*current);
  core_v1::PodEdit edit(draft);
  edit.edit_spec().set_node_name(wanted.target().name());
  for (auto entry : wanted.metadata().annotations()) {
    edit.edit_metadata().edit_annotations().set(entry.key, entry.value);
  }
  auto conditions = edit.edit_status().edit_conditions();
  size_t at = 0;
  while (at < conditions.size() &&
         core_v1::PodCondition(conditions[at].node()).type() != "PodScheduled") {
    ++at;
  }
  if (at == conditions.size()) conditions.append();
  auto condition = conditions[at];
  condition.set_type("PodScheduled");
  condition.set_status("True");
  condition.clear_reason();
  condition.clear_message();
  condition.set_last_transition_time(context.now);
  co_return draft;
}

}  // namespace

Task<Result<Answer>> handle_binding(HandlerEnv& env, RequestContext& context) {
  Result<WriteOptions> options = read_write_options(context, "CreateOptions");
  if (!options) co_return options.error();
  const schema::Kind& kind = *schema::find_kind("", "v1", "Binding");
  Result<Draft> body = decode_body(context, kind, options->field_validation);
  if (!body) co_return body.error();
  Result<void> matched = match_namespace(*body, context.info.ns);
  if (!matched) co_return matched.error();
  if (context.info.name.empty()) context.info.name = MetaView(*body).name();
  core_v1::Binding view(body->root());
  FieldErrors errors;
  if (!view.target().kind().empty() && view.target().kind() != "Node") {
    static constexpr std::string_view kKinds[] = {"Node", "<empty>"};
    errors.not_supported(FieldPath("target").child("kind"), view.target().kind(), kKinds);
  }
  if (view.target().name().empty()) errors.required(FieldPath("target").child("name"));
  if (!errors.empty()) {
    co_return ApiStatus::invalid("", "Binding", context.info.name, errors.take());
  }
  WriteScope scope = scope_of(context, options->dry_run);
  scope.resource = schema::find_resource("", "v1", "pods");
  scope.subresource = "binding";
  scope.name = context.info.name;
  ObjectPtr binding = body->freeze();
  Result<Written> written = co_await env.registry->update(
      std::move(scope), Preconditions{}, [&context, binding](ObjectPtr current) {
        return bind_transform(context, std::move(current), binding);
      });
  if (!written) co_return written.error();
  co_return Answer::of(success(201), 201);
}

// ---- eviction ----

Task<Result<Answer>> handle_eviction(HandlerEnv& env, RequestContext& context) {
  Result<WriteOptions> options = read_write_options(context, "CreateOptions");
  if (!options) co_return options.error();
  const schema::Kind& kind = *schema::find_kind("policy", "v1", "Eviction");
  Result<Draft> body = decode_body(context, kind, options->field_validation);
  if (!body) co_return body.error();
  Result<void> named = match_name(*body, context.info.name, context.info.ns);
  if (!named)
    co_return ApiStatus::bad_request("name in URL does not match name in Eviction object");
  policy_v1::Eviction eviction(body->root());
  meta_v1::DeleteOptions wanted = eviction.delete_options();
  DeleteRequest request;
  if (wanted.has_grace_period_seconds())
    request.grace_period_seconds = wanted.grace_period_seconds();
  request.propagation_policy = wanted.propagation_policy();
  request.preconditions.uid = wanted.preconditions().uid();
  request.preconditions.resource_version = wanted.preconditions().resource_version();
  bool dry_run = options->dry_run || !wanted.dry_run().empty();
  Result<ObjectPtr> pod = env.registry->get(*context.resource, context.info.ns, context.info.name);
  if (!pod) co_return pod.error();
  Result<void> allowed = co_await take_disruption(env, context, *pod, dry_run);
  if (!allowed) co_return allowed.error();
  WriteScope scope = scope_of(context, dry_run);
  scope.subresource.clear();
  Result<Written> written = co_await env.registry->remove(std::move(scope), request);
  if (!written) co_return written.error();
  co_return Answer::of(success(201), 201);
}

// ---- token ----

Task<Result<Answer>> handle_token(HandlerEnv& env, RequestContext& context) {
  if (!env.token)
    co_return ApiStatus::service_unavailable("no service account token issuer is set up");
  Result<WriteOptions> options = read_write_options(context, "CreateOptions");
  if (!options) co_return options.error();
  const schema::Kind& kind = *schema::find_kind("authentication.k8s.io", "v1", "TokenRequest");
  Result<Draft> body = decode_body(context, kind, options->field_validation);
  if (!body) co_return body.error();
  Result<ObjectPtr> account =
      env.registry->get(*context.resource, context.info.ns, context.info.name);
  if (!account) co_return account.error();
  Result<ObjectPtr> answer =
      co_await env.token(std::move(*account), std::move(*body), context.user);
  if (!answer) co_return answer.error();
  co_return Answer::of(std::move(*answer), 201);
}

}  // namespace tiphys::apiserver
