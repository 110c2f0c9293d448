// pods/log and nodes/proxy: requests that a kubelet answers.
#include "apiserver/handlers/handlers.h"
#include "base/strings.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {
namespace {

struct KubeletAddress {
  std::string host;
  uint16_t port = 10250;
};

// The address that the node reports, by upstream's default preference.
Result<KubeletAddress> kubelet_of(HandlerEnv& env, std::string_view node_name) {
  const schema::Resource& nodes = *schema::find_resource("", "v1", "nodes");
  TIPHYS_TRY(ObjectPtr, object, env.registry->get(nodes, "", node_name));
  core_v1::Node node(object->root());
  KubeletAddress address;
  if (node.status().daemon_endpoints().kubelet_endpoint().port() != 0) {
    address.port =
        static_cast<uint16_t>(node.status().daemon_endpoints().kubelet_endpoint().port());
  }
  for (std::string_view type :
       {"Hostname", "InternalDNS", "InternalIP", "ExternalDNS", "ExternalIP"}) {
    // Names are only looked at when there is no address: we run without node DNS.
    if (type == "Hostname" || type == "InternalDNS" || type == "ExternalDNS") continue;
    for (core_v1::NodeAddress item : node.status().addresses()) {
      if (item.type() != type) continue;
      address.host = item.address();
      return address;
    }
  }
  return ApiStatus::internal("no preferred addresses found; known addresses: []");
}

constexpr size_t kMaxRefusal = 50'000;

// A kubelet's refusal is plain text: clients are given it as a Status, as upstream's
// GenericHttpResponseChecker makes it.
Task<ApiStatus> status_of_refusal(net::Response response, StopToken stop) {
  std::string text = response.body ? *response.body : "";
  while (response.stream && text.size() < kMaxRefusal) {
    Result<net::Bytes> chunk = co_await response.stream->next(stop);
    if (!chunk || !*chunk) break;
    text += **chunk;
  }
  if (text.size() > kMaxRefusal) text.resize(kMaxRefusal);
  while (text.ends_with('\n')) text.pop_back();
  if (response.status == 400) co_return ApiStatus::bad_request(text);
  if (response.status == 404) co_return ApiStatus(404, "NotFound", text);
  if (response.status == 500) co_return ApiStatus::internal("Internal error occurred: " + text);
  co_return ApiStatus(response.status, "", text);
}

Task<Result<Answer>> ask_kubelet(HandlerEnv& env, RequestContext& context, KubeletAddress address,
                                 std::string path, std::string query) {
  if (!env.kubelet) {
    co_return ApiStatus::service_unavailable("no way to reach kubelets is set up");
  }
  KubeletRequest request;
  request.host = std::move(address.host);
  request.port = address.port;
  request.request.method = context.method;
  request.request.path = std::move(path);
  request.request.query = std::move(query);
  request.request.body = context.body;
  if (!context.content_type.empty()) {
    request.request.headers.set("content-type", context.content_type);
  }
  Result<net::Response> response = co_await env.kubelet(std::move(request), context.gone);
  if (!response) {
    co_return ApiStatus::internal("Get \"https://" + request.host +
                                  "\": " + response.error().message());
  }
  co_return Answer::of_raw(std::move(*response));
}

// The container that logs are asked of. Error: BadRequest with upstream's wordings.
Result<std::string> log_container(core_v1::Pod pod, std::string_view wanted) {
  std::vector<std::string> names;
  std::vector<std::string> init_names;
  for (core_v1::Container container : pod.spec().containers()) names.emplace_back(container.name());
  for (core_v1::Container container : pod.spec().init_containers()) {
    init_names.emplace_back(container.name());
  }
  std::string pod_name(pod.metadata().name());
  if (wanted.empty()) {
    if (names.size() == 1 && init_names.empty()) return names.front();
    std::string text = "a container name must be specified for pod " + pod_name +
                       ", choose one of: [" + join(names, " ") + "]";
    if (!init_names.empty())
      text += " or one of the init containers: [" + join(init_names, " ") + "]";
    return ApiStatus::bad_request(text);
  }
  for (const auto& list : {names, init_names}) {
    for (const std::string& name : list) {
      if (name == wanted) return name;
    }
  }
  for (core_v1::EphemeralContainer container : pod.spec().ephemeral_containers()) {
    if (container.name() == wanted) return std::string(wanted);
  }
  return ApiStatus::bad_request("container " + std::string(wanted) + " is not valid for pod " +
                                pod_name);
}

Result<std::string> log_query(const Query& query, std::string_view pod) {
  std::string out;
  auto add = [&](std::string_view name, std::string_view value) {
    if (!out.empty()) out += '&';
    out += std::string(name) + "=" + percent_encode(value);
  };
  for (std::string_view name : {"follow", "previous", "timestamps"}) {
    if (query.flag(name)) add(name, "true");
  }
  for (std::string_view name : {"sinceSeconds", "tailLines", "limitBytes"}) {
    TIPHYS_TRY(std::optional<int64_t>, number, query.number(name));
    if (!number) continue;
    int64_t least = name == "tailLines" ? 0 : 1;
    if (*number < least) {
      FieldErrors errors;
      errors.invalid(FieldPath(name), *number,
                     "must be greater than " + std::string(least == 0 ? "or equal to 0" : "0"));
      return ApiStatus::invalid("", "PodLogOptions", pod, errors.take());
    }
    add(name, std::to_string(*number));
  }
  if (!query.get("sinceTime").empty()) add("sinceTime", query.get("sinceTime"));
  return out;
}

}  // namespace

Task<Result<Answer>> handle_log(HandlerEnv& env, RequestContext& context) {
  const RequestInfo& info = context.info;
  Result<std::string> query = log_query(context.query, info.name);
  if (!query) co_return query.error();
  Result<ObjectPtr> object = env.registry->get(*context.resource, info.ns, info.name);
  if (!object) co_return object.error();
  core_v1::Pod pod((*object)->root());
  Result<std::string> container = log_container(pod, context.query.get("container"));
  if (!container) co_return container.error();
  std::string node(pod.spec().node_name());
  if (node.empty()) {
    // Nothing has run yet: there is nothing to read.
    net::Response empty;
    empty.headers.set("content-type", "text/plain");
    empty.body = std::make_shared<std::string>();
    co_return Answer::of_raw(std::move(empty));
  }
  Result<KubeletAddress> address = kubelet_of(env, node);
  if (!address) co_return address.error();
  std::string path = "/containerLogs/" + percent_encode(info.ns) + "/" + percent_encode(info.name) +
                     "/" + percent_encode(*container);
  Result<Answer> answer =
      co_await ask_kubelet(env, context, std::move(*address), std::move(path), std::move(*query));
  if (!answer || !answer->raw || answer->raw->status < 400) co_return answer;
  co_return co_await status_of_refusal(std::move(*answer->raw), context.gone);
}

Task<Result<Answer>> handle_node_proxy(HandlerEnv& env, RequestContext& context) {
  if (context.info.resource != "nodes") {
    co_return ApiStatus(501, "NotImplemented",
                        context.info.resource + "/proxy is not implemented yet");
  }
  Result<KubeletAddress> address = kubelet_of(env, context.info.name);
  if (!address) co_return address.error();
  co_return co_await ask_kubelet(env, context, std::move(*address), "/" + context.info.rest,
                                 context.raw_query);
}

}  // namespace tiphys::apiserver
