// pods/exec, pods/attach and pods/portforward: connects the client with the pod's kubelet.
// Upstream: pkg/registry/core/pod/rest/subresources.go, pkg/registry/core/pod/strategy.go.
#include "apiserver/handlers/connect.h"
#include "apiserver/handlers/creation.h"
#include "apiserver/handlers/handlers.h"
#include "apiserver/handlers/pod_container.h"
#include "apiserver/handlers/proxy_headers.h"
#include "apiserver/handlers/proxy_target.h"
#include "apiserver/handlers/request_scope.h"
#include "apiserver/handlers/stream_translator.h"
#include "apiserver/handlers/stream_tunnel.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

void add_parameter(std::string& query, std::string_view name, std::string_view value) {
  if (!query.empty()) query += '&';
  query.append(name).append("=").append(percent_encode(value));
}

// The options under the names that kubelets take.
std::string exec_query(const Query& options, bool with_command) {
  std::string query;
  if (with_command) {
    for (std::string_view word : options.all("command")) add_parameter(query, "command", word);
  }
  if (options.flag("stderr")) add_parameter(query, "error", "1");
  if (options.flag("stdin")) add_parameter(query, "input", "1");
  if (options.flag("stdout")) add_parameter(query, "output", "1");
  if (options.flag("tty")) add_parameter(query, "tty", "1");
  return query;
}

Result<std::string> port_query(const Query& options) {
  std::string ports;
  for (std::string_view port : options.all("ports")) {
    if (!parse_int(port)) {
      return ApiStatus::bad_request("strconv.ParseInt: parsing " + go_quote(port) +
                                    ": invalid syntax");
    }
    ports.append(ports.empty() ? "" : ",").append(port);
  }
  std::string query;
  if (!ports.empty()) add_parameter(query, "port", ports);
  return query;
}

StreamOptions stream_options(const Query& options) {
  return {options.flag("stdin"), options.flag("stdout"), options.flag("stderr"),
          options.flag("tty")};
}

// SPDY, and WebSockets of older protocols: the runtime speaks both.
Task<Result<Answer>> pass_on_streams(HandlerEnv& env, RequestContext& context, ProxyTarget target,
                                     std::string path, std::string query) {
  co_return co_await pass_on(env, context, std::move(target), std::move(path), std::move(query),
                             nullptr);
}

struct StreamPlace {
  std::string path;
  std::string query;
};

Result<StreamPlace> stream_place(const RequestContext& context, core_v1::Pod pod) {
  const RequestInfo& info = context.info;
  std::string place = percent_encode(info.ns) + "/" + percent_encode(info.name);
  if (info.subresource == "portforward") {
    TIPHYS_TRY(std::string, query, port_query(context.query));
    return StreamPlace{"/portForward/" + place, std::move(query)};
  }
  TIPHYS_TRY(std::string, container, choose_container(pod, context.query.get("container")));
  return StreamPlace{"/" + info.subresource + "/" + place + "/" + percent_encode(container),
                     exec_query(context.query, info.subresource == "exec")};
}

}  // namespace

Task<Result<Answer>> handle_pod_stream(HandlerEnv& env, RequestContext& context) {
  const RequestInfo& info = context.info;
  // A WebSocket is opened with GET, but runs commands all the same.
  Result<void> allowed = authorize_creation(env, context);
  if (!allowed) co_return allowed.error();
  Result<void> admitted = co_await env.registry->admit_connect(request_scope(context, false));
  if (!admitted) co_return admitted.error();
  Result<ObjectPtr> object = env.registry->get(*context.resource, info.ns, info.name);
  if (!object) co_return object.error();
  core_v1::Pod pod((*object)->root());
  Result<StreamPlace> place = stream_place(context, pod);
  if (!place) co_return place.error();
  std::string node(pod.spec().node_name());
  if (node.empty()) {
    co_return ApiStatus::bad_request("pod " + info.name + " does not have a host assigned");
  }
  Result<ProxyTarget> target = kubelet_target(env, node);
  if (!target) co_return target.error();
  if (!is_upgrade_request(context.headers)) {
    co_return ApiStatus::bad_request("Upgrade request required");
  }
  if (info.subresource != "portforward" && is_translatable(context.headers)) {
    co_return translate_streams(env, context, std::move(*target), std::move(place->path),
                                std::move(place->query), stream_options(context.query));
  }
  bool tunnels = info.subresource == "portforward" && is_tunnelable(context.headers);
  auto passing = tunnels ? tunnel_streams : pass_on_streams;
  co_return co_await passing(env, context, std::move(*target), std::move(place->path),
                             std::move(place->query));
}

}  // namespace tiphys::apiserver
