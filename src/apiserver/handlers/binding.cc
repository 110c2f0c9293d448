// pods/binding and bindings: assigns a pod to a node.
// Upstream: pkg/registry/core/pod/storage.BindingREST.
#include "apiserver/handlers/body.h"
#include "apiserver/handlers/handlers.h"
#include "apiserver/handlers/options.h"
#include "apiserver/handlers/pod_condition.h"
#include "apiserver/handlers/request_scope.h"
#include "apiserver/handlers/success.h"
#include "apiserver/registry/meta.h"
#include "base/strings.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {
namespace {

// Why this pod can't be given to a node; "": it can.
std::string refusal(core_v1::Pod pod) {
  std::string name = "pod " + std::string(pod.metadata().name());
  if (pod.metadata().has_deletion_timestamp()) {
    return name + " is being deleted, cannot be assigned to a host";
  }
  if (!pod.spec().node_name().empty()) {
    return name + " is already assigned to node " + go_quote(pod.spec().node_name());
  }
  if (!pod.spec().scheduling_gates().empty()) {
    return name + " has non-empty .spec.schedulingGates";
  }
  return "";
}

Task<Result<Draft>> bind_transform(std::string name, MicroTime now, ObjectPtr binding,
                                   ObjectPtr current) {
  core_v1::Binding wanted(binding->root());
  core_v1::Pod pod(current->root());
  std::string why = refusal(pod);
  if (!why.empty()) co_return ApiStatus::conflict("", "pods/binding", name, why);
  Draft draft(*current);
  core_v1::PodEdit edit(draft);
  edit.edit_spec().set_node_name(wanted.target().name());
  for (auto entry : wanted.metadata().annotations()) {
    edit.edit_metadata().edit_annotations().set(entry.key, entry.value);
  }
  for (auto entry : wanted.metadata().labels()) {
    edit.edit_metadata().edit_labels().set(entry.key, entry.value);
  }
  edit.edit_status().clear_nominated_node_name();
  set_pod_condition(draft, {.type = "PodScheduled"}, now);
  co_return draft;
}

// Upstream answers a bad target with a bare 500.
Result<void> check_target(core_v1::Binding binding) {
  static constexpr std::string_view kKinds[] = {"Node", "<empty>"};
  FieldErrors errors;
  std::string_view kind = binding.target().kind();
  if (!kind.empty() && kind != "Node") {
    errors.not_supported(FieldPath("target").child("kind"), kind, kKinds);
  }
  if (binding.target().name().empty()) errors.required(FieldPath("target").child("name"));
  std::vector<std::string> texts;
  for (const StatusCause& cause : errors.causes())
    texts.push_back(cause.field + ": " + cause.message);
  if (texts.empty()) return {};
  std::string text = join(texts, ", ");
  return ApiStatus(500, "", texts.size() > 1 ? "[" + text + "]" : text);
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
  if (MetaView(*body).name() != context.info.name) {
    co_return ApiStatus::bad_request("name in URL does not match name in Binding object");
  }
  Result<void> checked = check_target(core_v1::Binding(body->root()));
  if (!checked) co_return checked.error();
  WriteScope scope = request_scope(context, options->dry_run);
  scope.resource = schema::find_resource("", "v1", "pods");
  scope.subresource = "binding";
  Result<void> admitted = co_await env.registry->admit_create(scope, &*body);
  if (!admitted) co_return admitted.error();
  ObjectPtr binding = body->freeze();
  scope.skip_admission = true;
  Preconditions preconditions{std::string(MetaView(*binding).uid()),
                              std::string(MetaView(*binding).resource_version())};
  std::string name = context.info.name;
  MicroTime now = context.now;
  Result<Written> written = co_await env.registry->update(
      std::move(scope), std::move(preconditions), [name, now, binding](ObjectPtr current) {
        return bind_transform(name, now, binding, std::move(current));
      });
  if (!written) co_return written.error();
  co_return created_success();
}

}  // namespace tiphys::apiserver
