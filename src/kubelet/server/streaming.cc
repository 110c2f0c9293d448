#include "kubelet/server/streaming.h"

#include "base/strings.h"
#include "kubelet/pods/downward.h"
#include "kubelet/server/listed_pod.h"
#include "kubelet/server/responses.h"
#include "net/client.h"
#include "net/spdy_filter.h"
#include "net/tunnel.h"
#include "net/upgrade.h"

namespace tiphys::kubelet {
namespace {

using Kind = StreamingRequest::Kind;

constexpr int kSwitchingProtocols = 101;
constexpr std::string_view kSpdy = "SPDY/3.1";
constexpr std::string_view kRetryAfterSeconds = "60";  // how long the runtime keeps a URL
// What of a client's headers matters to a streaming server: never who the client is.
constexpr std::string_view kForwarded[] = {"connection",
                                           "upgrade",
                                           "x-stream-protocol-version",
                                           "sec-websocket-key",
                                           "sec-websocket-version",
                                           "sec-websocket-protocol"};

// As upstream's streaming.WriteError writes an error of the runtime.
net::Response error_response(const ApiStatus& error) {
  std::string text = runtime_error_text(error);
  if (error.reason() == "NotFound") return text_response(404, text);
  if (error.reason() != "ResourceExhausted") return text_response(500, text);
  net::Response busy = text_response(429, text);
  busy.headers.set("retry-after", kRetryAfterSeconds);
  return busy;
}

net::Request runtime_request(const net::Request& from, const StreamingPlace& place) {
  net::Request out;
  out.method = from.method;
  out.path = place.path;
  out.query = place.query;
  for (const auto& entry : from.headers.entries()) {
    if (std::ranges::find(kForwarded, entry.name) == std::end(kForwarded)) continue;
    bool protocols = entry.name == "sec-websocket-protocol";
    out.headers.add(entry.name, protocols ? net::without_token(entry.value) : entry.value);
  }
  return out;
}

// "name_namespace", upstream's full name of a pod.
std::string full_name(const StreamingRequest& what) { return what.pod + "_" + what.ns; }

bool is_other_pod(const ObjectPtr& pod, const StreamingRequest& what) {
  return !what.uid.empty() && core_v1::Pod(*pod).metadata().uid() != what.uid;
}

ApiStatus no_container(const StreamingRequest& what) {
  if (what.kind != Kind::kAttach) {
    return ApiStatus::internal("container not found (" + go_quote(what.container) + ")");
  }
  return ApiStatus::internal("container " + what.container + " not found in pod " +
                             full_name(what));
}

ApiStatus exited(const StreamingRequest& what, const ExecResult& result) {
  return ApiStatus::internal("command '" + join(what.command, " ") + "' exited with " +
                             std::to_string(result.exit_code) + ": " + result.err);
}

}  // namespace

Task<Result<std::string>> Streaming::running_container(ObjectPtr pod, StreamingRequest what) {
  if (is_other_pod(pod, what)) co_return no_container(what);
  Result<PodRuntime> listed = co_await listed_pod(runtime_, pod);
  if (!listed) co_return listed.error();
  const ContainerRecord* found = listed->newest(what.container);
  if (!found || found->state != ContainerState::kRunning) co_return no_container(what);
  co_return found->id;
}

Task<Result<std::string>> Streaming::port_forward_url(ObjectPtr pod, StreamingRequest what) {
  Result<PodRuntime> listed = co_await listed_pod(runtime_, pod);
  if (!listed) co_return listed.error();
  const SandboxRecord* sandbox = listed->newest_sandbox();
  if (!sandbox || !sandbox->ready) {
    co_return ApiStatus::internal("pod not found (" + go_quote(full_name(what)) + ")");
  }
  co_return co_await runtime_.port_forward_url(sandbox->id, what.ports);
}

Task<Result<std::string>> Streaming::url_of(ObjectPtr pod, StreamingRequest what) {
  if (what.kind == Kind::kPortForward) co_return co_await port_forward_url(pod, std::move(what));
  Result<std::string> container = co_await running_container(pod, what);
  if (!container) co_return container.error();
  if (what.kind == Kind::kExec) {
    co_return co_await runtime_.exec_url(*container, what.command, what.streams);
  }
  // A terminal is a terminal from its start on, or never.
  what.streams.tty = find_container(core_v1::Pod(*pod).spec(), what.container).tty();
  co_return co_await runtime_.attach_url(*container, what.streams);
}

Task<net::Response> Streaming::run(ObjectPtr pod, StreamingRequest what) {
  Result<std::string> container = co_await running_container(pod, what);
  if (!container) co_return text_response(500, runtime_error_text(container.error()));
  Result<ExecResult> result = co_await runtime_.exec_sync(*container, what.command, 0);
  if (!result) co_return text_response(500, runtime_error_text(result.error()));
  if (result->exit_code != 0) co_return text_response(500, exited(what, *result).message());
  // Upstream calls it JSON, whatever the command says.
  co_return json_response(result->out + result->err);
}

Task<net::Response> Streaming::answer(net::Request request, StreamingRequest what) {
  Result<void> fine = add_streaming_options(request, what);
  if (!fine) co_return text_response(400, fine.error().message());
  ObjectPtr pod = find_pod_(what.ns, what.pod);
  if (!pod) co_return text_response(404, "pod does not exist");
  if (what.kind == Kind::kPortForward && is_other_pod(pod, what)) {
    co_return text_response(404, "pod not found");
  }
  if (what.kind == Kind::kRun) co_return co_await run(std::move(pod), std::move(what));
  Result<std::string> url = co_await url_of(std::move(pod), std::move(what));
  if (!url) co_return error_response(url.error());
  if (!net::is_upgrade_request(request.headers))
    co_return text_response(500, "Upgrade request required\n");
  co_return co_await pass_on(std::move(request), std::move(*url));
}

Task<net::Response> Streaming::pass_on(net::Request request, std::string url) {
  Result<StreamingPlace> place = streaming_place(url);
  if (!place) co_return text_response(500, place.error().message() + "\n");
  net::Client runtime(loop_, {.address = place->address, .http2 = false});
  Result<net::Client::Upgraded> upgraded =
      co_await runtime.upgrade(runtime_request(request, *place), request.gone);
  if (!upgraded) {
    co_return text_response(500, "error dialing backend: " + upgraded.error().message() + "\n");
  }
  net::Response out;
  out.status = upgraded->response.status;
  for (const auto& entry : upgraded->response.headers.entries()) {
    if (entry.name != "content-length" && entry.name != "transfer-encoding") {
      out.headers.add(entry.name, entry.value);
    }
  }
  out.body = upgraded->response.body;
  if (out.status != kSwitchingProtocols) co_return out;
  auto backend = std::make_shared<std::unique_ptr<net::ByteStream>>(std::move(upgraded->stream));
  bool spdy = equals_ignore_case(request.headers.get("upgrade"), kSpdy);
  out.upgrade = [this, backend, spdy](std::unique_ptr<net::ByteStream> client) {
    // The runtime's own reader takes lengths at their word.
    if (spdy) client = std::make_unique<net::SpdyFilter>(std::move(client));
    return net::run_tunnel(loop_, std::move(client), std::move(*backend), {},
                           options_.streaming_connection_idle_timeout);
  };
  co_return out;
}

}  // namespace tiphys::kubelet
