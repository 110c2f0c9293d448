// Routing: which resource, subresource and verb a request names.
#include "apiserver/handlers/handlers.h"
#include "apiserver/registry/kind_rules.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

// What go-restful's router answers, with the empty details upstream gives it.
ApiStatus plain_status(int code, std::string_view reason, std::string_view message) {
  ApiStatus::Data data;
  data.code = code;
  data.reason = reason;
  data.message = message;
  data.has_details = true;
  return ApiStatus(std::move(data));
}

ApiStatus no_resource() {
  return plain_status(404, "NotFound", "the server could not find the requested resource");
}

ApiStatus no_method() {
  return plain_status(405, "MethodNotAllowed",
                      "the server does not allow this method on the requested resource");
}

// True if the request addresses this scope of the resource: a namespaced one in a namespace (or
// all of them at once), a cluster-scoped one without.
bool scope_fits(const RequestContext& context) {
  const RequestInfo& info = context.info;
  if (!context.resource->namespaced) return info.ns.empty() || info.resource == "namespaces";
  return !info.ns.empty() || info.parts == 1;
}

// Proxies pass on every method that HTTP clients use.
bool is_proxied_method(std::string_view method) {
  static constexpr std::string_view kMethods[] = {"GET",   "HEAD",   "POST",   "PUT",
                                                  "PATCH", "DELETE", "OPTIONS"};
  for (std::string_view known : kMethods) {
    if (method == known) return true;
  }
  return false;
}

// The API verb of a method on a collection, an object or a subresource; empty: none.
std::string_view needed_verb(const RequestContext& context) {
  const RequestInfo& info = context.info;
  std::string_view method = context.method;
  if (info.watch_prefix) return method == "GET" ? "watch" : "";
  if (method == "GET") return info.parts == 1 ? std::string_view(info.verb) : "get";
  if (method == "POST") return "create";
  if (method == "PUT") return "update";
  if (method == "PATCH") return "patch";
  if (method == "DELETE") return info.parts == 1 ? "deletecollection" : "delete";
  return "";
}

bool method_fits(const RequestContext& context, std::string_view verb) {
  const RequestInfo& info = context.info;
  if (info.parts >= 2) return verb != "list" && (verb != "create" || info.parts >= 3);
  if (verb == "update" || verb == "patch") return false;
  // All namespaces at once: reading only.
  bool all_namespaces = context.resource->namespaced && info.ns.empty();
  return !all_namespaces || verb == "list" || verb == "watch";
}

// Upstream tells a request to a deprecated resource by these annotations, the release that drops it
// by the last words of the warning ("...; unavailable in v1.40+").
void audit_deprecation(const RequestContext& context, std::string_view told) {
  audit::Annotations* annotations = context.audit_annotations();
  if (!annotations) return;
  annotations->add("k8s.io/deprecated", "true");
  constexpr std::string_view kRemoved = "unavailable in v";
  size_t at = told.find(kRemoved);
  if (at == std::string_view::npos) return;
  std::string_view release = told.substr(at + kRemoved.size());
  annotations->add("k8s.io/removed-release", release.substr(0, release.find_first_of("+;, ")));
}

using SubresourceHandler = Task<Result<Answer>> (*)(HandlerEnv&, RequestContext&);

SubresourceHandler subresource_handler(std::string_view name) {
  if (name == "scale") return handle_scale;
  if (name == "binding") return handle_binding;
  if (name == "eviction") return handle_eviction;
  if (name == "token") return handle_token;
  if (name == "log") return handle_log;
  if (name == "exec" || name == "attach" || name == "portforward") return handle_pod_stream;
  if (name == "proxy") return handle_proxy;
  return nullptr;
}

Task<Result<Answer>> handle_subresource(HandlerEnv& env, RequestContext& context) {
  const std::string& name = context.info.subresource;
  context.subresource = context.resource->find_subresource(name);
  if (!context.subresource) co_return no_resource();
  if (context.info.parts > 3 && name != "proxy") co_return no_resource();
  std::string_view verb = needed_verb(context);
  bool known = name == "proxy" && is_proxied_method(context.method);
  for (std::string_view offered : context.subresource->verbs) known |= offered == verb;
  if (!known) co_return no_method();
  if (context.info.is_connect() && context.query.has("dryRun")) {
    co_return ApiStatus::bad_request("dryRun is not supported");
  }
  if (SubresourceHandler handler = subresource_handler(name))
    co_return co_await handler(env, context);
  if (verb == "get") co_return co_await handle_get(env, context);
  if (verb == "update") co_return co_await handle_update(env, context);
  if (verb == "patch") co_return co_await handle_patch(env, context);
  co_return no_method();
}

}  // namespace

Task<Result<Answer>> handle_resource(HandlerEnv& env, RequestContext& context) {
  const RequestInfo& info = context.info;
  if (!context.resource) {
    context.resource = schema::find_resource(info.group, info.version, info.resource);
  }
  bool odd_path = context.encoded_slash && info.subresource != "proxy";
  if (!context.resource || !context.resource->served_by_default || odd_path) {
    co_return no_resource();
  }
  if (!scope_fits(context)) co_return no_resource();
  // A namespace's own path names it twice; as an object it stands in none.
  if (!context.resource->namespaced) context.info.ns.clear();
  if (info.parts >= 3) co_return co_await handle_subresource(env, context);
  std::string_view verb = needed_verb(context);
  if (verb.empty() || !method_fits(context, verb) || !context.resource->has_verb(verb)) {
    co_return no_method();
  }
  if (std::string_view told = kind_rules(*context.resource).deprecated; !told.empty()) {
    context.warnings.emplace_back(told);
    audit_deprecation(context, told);
  }
  if (info.parts == 2 && (info.name == "." || info.name == "..")) {
    co_return ApiStatus::bad_request("Name parameter invalid: " + go_quote(info.name) +
                                     ": may not be '" + info.name + "'");
  }
  if (is_resource_metrics(*context.resource)) {
    co_return co_await handle_resource_metrics(env, context);
  }
  if (is_placement(*context.resource)) co_return co_await handle_placement(env, context);
  if (verb == "get") co_return co_await handle_get(env, context);
  if (verb == "list") co_return co_await handle_list(env, context);
  if (verb == "watch") co_return co_await handle_watch(env, context);
  if (verb == "create" && info.resource == "bindings" && info.group.empty()) {
    co_return co_await handle_binding(env, context);
  }
  if (verb == "create") co_return co_await handle_create(env, context);
  if (verb == "update") co_return co_await handle_update(env, context);
  if (verb == "patch") co_return co_await handle_patch(env, context);
  if (verb == "delete") co_return co_await handle_delete(env, context);
  co_return co_await handle_delete_collection(env, context);
}

}  // namespace tiphys::apiserver
