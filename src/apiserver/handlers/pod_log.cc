// pods/log: what a container wrote, from its kubelet.
// Upstream: pkg/registry/core/pod/rest/log.go, validation.ValidatePodLogOptions.
#include "apiserver/handlers/connect.h"
#include "apiserver/handlers/handlers.h"
#include "apiserver/handlers/pod_container.h"
#include "apiserver/handlers/proxy_target.h"
#include "apiserver/handlers/websocket.h"
#include "base/strings.h"
#include "net/websocket.h"

namespace tiphys::apiserver {
namespace {

constexpr size_t kMaxRefusal = 50'000;
constexpr std::string_view kStreams[] = {"All", "Stdout", "Stderr"};

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

struct LogNumbers {
  std::optional<int64_t> since_seconds;
  std::optional<int64_t> tail_lines;
  std::optional<int64_t> limit_bytes;
};

void check_stream(const Query& query, const LogNumbers& numbers, FieldErrors& errors) {
  std::string_view stream = query.get("stream");
  if (!query.has("stream")) return;
  if (!std::ranges::count(kStreams, stream)) {
    errors.not_supported(FieldPath("stream"), stream, kStreams);
  }
  if (stream != "All" && numbers.tail_lines) {
    errors.forbidden(FieldPath("[]"),
                     "`tailLines` and specific `stream` are mutually exclusive for now");
  }
}

Result<void> check_options(const Query& query, const LogNumbers& numbers, std::string_view pod) {
  FieldErrors errors;
  if (numbers.tail_lines && *numbers.tail_lines < 0) {
    errors.invalid(FieldPath("tailLines"), *numbers.tail_lines,
                   "must be greater than or equal to 0");
  }
  if (numbers.limit_bytes && *numbers.limit_bytes < 1) {
    errors.invalid(FieldPath("limitBytes"), *numbers.limit_bytes, "must be greater than 0");
  }
  if (numbers.since_seconds && !query.get("sinceTime").empty()) {
    errors.forbidden(FieldPath("[]"),
                     "at most one of `sinceTime` or `sinceSeconds` may be specified");
  } else if (numbers.since_seconds && *numbers.since_seconds < 1) {
    errors.invalid(FieldPath("sinceSeconds"), *numbers.since_seconds, "must be greater than 0");
  }
  check_stream(query, numbers, errors);
  if (errors.empty()) return {};
  return ApiStatus::invalid("", "PodLogOptions", pod, errors.take());
}

// The options as the kubelet takes them.
Result<std::string> log_query(const Query& query, std::string_view pod) {
  LogNumbers numbers;
  TIPHYS_TRY(std::optional<int64_t>, since, query.number("sinceSeconds"));
  TIPHYS_TRY(std::optional<int64_t>, tail, query.number("tailLines"));
  TIPHYS_TRY(std::optional<int64_t>, limit, query.number("limitBytes"));
  numbers = {since, tail, limit};
  auto checked = check_options(query, numbers, pod);
  if (!checked) return checked.error();
  std::string out;
  auto add = [&](std::string_view name, std::string_view value) {
    if (!out.empty()) out += '&';
    out += std::string(name) + "=" + percent_encode(value);
  };
  for (std::string_view name : {"follow", "previous", "timestamps"}) {
    if (query.flag(name)) add(name, "true");
  }
  if (since) add("sinceSeconds", std::to_string(*since));
  if (tail) add("tailLines", std::to_string(*tail));
  if (limit) add("limitBytes", std::to_string(*limit));
  if (!query.get("sinceTime").empty()) add("sinceTime", query.get("sinceTime"));
  if (query.has("stream")) add("stream", query.get("stream"));
  return out;
}

// Nothing has run yet: there is nothing to read.
net::Response empty_log() {
  net::Response empty;
  empty.headers.set("content-type", "text/plain");
  empty.body = std::make_shared<std::string>();
  return empty;
}

// As Go's HTTP client names a request that failed.
std::string url_of(const ProxyRequest& request) {
  const std::string& query = request.request.query;
  return "https://" + address_text(request.target) + request.request.path +
         (query.empty() ? "" : "?" + query);
}

Result<Answer> log_answer(HandlerEnv& env, const RequestContext& context, net::Response response) {
  if (!net::is_websocket_request(context.headers)) return Answer::of_raw(std::move(response));
  TIPHYS_TRY(net::Response, switched,
             websocket_response(*env.loop, context.headers, std::move(response), context.gone));
  return Answer::of_raw(std::move(switched));
}

}  // namespace

Task<Result<Answer>> handle_log(HandlerEnv& env, RequestContext& context) {
  const RequestInfo& info = context.info;
  Result<std::string> query = log_query(context.query, info.name);
  if (!query) co_return query.error();
  Result<ObjectPtr> object = env.registry->get(*context.resource, info.ns, info.name);
  if (!object) co_return object.error();
  core_v1::Pod pod((*object)->root());
  Result<std::string> container = choose_container(pod, context.query.get("container"));
  if (!container) co_return container.error();
  std::string node(pod.spec().node_name());
  if (node.empty()) co_return log_answer(env, context, empty_log());
  Result<ProxyTarget> target = kubelet_target(env, node);
  if (!target) co_return target.error();
  ProxyRequest request;
  request.target = std::move(*target);
  request.request.method = "GET";
  request.request.path = "/containerLogs/" + percent_encode(info.ns) + "/" +
                         percent_encode(info.name) + "/" + percent_encode(*container);
  request.request.query = std::move(*query);
  std::string url = url_of(request);
  Result<ProxyAnswer> answer = co_await reach(env, std::move(request), context.gone);
  if (!answer) {
    co_return ApiStatus(500, "", "Get " + go_quote(url) + ": " + answer.error().message());
  }
  net::Response response = std::move(answer->response);
  if (response.status < 400) co_return log_answer(env, context, std::move(response));
  co_return co_await status_of_refusal(std::move(response), context.gone);
}

}  // namespace tiphys::apiserver
