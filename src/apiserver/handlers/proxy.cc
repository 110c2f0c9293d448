// nodes/proxy, services/proxy and pods/proxy: requests passed on to what the object stands for.
// Upstream: pkg/registry/core/{node/rest,service,pod/rest}.ProxyREST.
#include "apiserver/handlers/connect.h"
#include "apiserver/handlers/handlers.h"
#include "apiserver/handlers/proxy_headers.h"
#include "apiserver/handlers/proxy_target.h"
#include "apiserver/handlers/request_scope.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

struct SplitPath {
  std::string prefix;                // up to "/proxy", as sent
  std::optional<std::string> below;  // decoded, from its slash on; "": nothing follows
};

// Splits after the segments that name the proxied object: "/api/v1/nodes/n/proxy" or
// "/api/v1/namespaces/ns/pods/p/proxy".
SplitPath split_path(std::string_view raw_path, bool namespaced) {
  constexpr int kClusterSegments = 5;
  constexpr int kNamespacedSegments = 7;
  int left = namespaced ? kNamespacedSegments : kClusterSegments;
  size_t at = 0;
  while (left > 0 && at < raw_path.size()) {
    at = std::min(raw_path.find_first_not_of('/', at), raw_path.size());
    at = std::min(raw_path.find('/', at), raw_path.size());
    --left;
  }
  return {std::string(raw_path.substr(0, at)), percent_decode(raw_path.substr(at), false)};
}

Result<ProxyTarget> target_of(HandlerEnv& env, const RequestInfo& info) {
  if (info.resource == "nodes") return node_target(env, info.name);
  if (info.resource == "services") return service_target(env, info.ns, info.name);
  return pod_target(env, info.ns, info.name);
}

// Pages link relative to their own path: the root needs its slash.
Answer redirect_to_root(const RequestContext& context, const std::string& prefix) {
  net::Response response;
  response.status = 301;
  std::string query = context.raw_query.empty() ? "" : "?" + context.raw_query;
  response.headers.set("location", prefix + "/" + query);
  response.body = std::make_shared<std::string>();
  return Answer::of_raw(std::move(response));
}

}  // namespace

Task<Result<Answer>> handle_proxy(HandlerEnv& env, RequestContext& context) {
  Result<ProxyTarget> target = target_of(env, context.info);
  if (!target) co_return target.error();
  Result<void> admitted = co_await env.registry->admit_connect(request_scope(context, false));
  if (!admitted) co_return admitted.error();
  SplitPath path = split_path(context.raw_path, context.resource->namespaced);
  if (!path.below) co_return ApiStatus::bad_request("invalid URL escape in path");
  bool reading = context.method == "GET" || context.method == "HEAD";
  if (path.below->empty() && reading && !is_upgrade_request(context.headers)) {
    co_return redirect_to_root(context, path.prefix);
  }
  ProxyPlace place{path.prefix, address_text(*target), context.authority};
  co_return co_await pass_on(env, context, std::move(*target), backend_path(*path.below),
                             context.raw_query, &place);
}

}  // namespace tiphys::apiserver
