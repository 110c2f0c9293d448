#include "kubelet/probes/handler.h"

#include "async/deadline.h"
#include "base/strings.h"
#include "base/time_math.h"
#include "crypto/tls.h"
#include "net/client.h"
#include "net/dial.h"
#include "net/grpc.h"

namespace tiphys::kubelet {
namespace {

constexpr size_t kMaxOutput = 10 * 1024;

std::string with_port(const std::string& host, uint16_t port) {
  bool v6 = host.find(':') != std::string::npos && !host.starts_with('[');
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

net::Request http_request(const HandlerTarget& target, core_v1::HTTPGetAction action,
                          const std::string& authority) {
  net::Request out;
  out.method = "GET";
  std::string path(action.path().empty() ? "/" : action.path());
  if (!path.starts_with('/')) path = "/" + path;
  size_t question = path.find('?');
  out.path = path.substr(0, question);
  if (question != std::string::npos) out.query = path.substr(question + 1);
  out.authority = authority;
  out.headers.add("user-agent", target.user_agent);
  out.headers.add("accept", "*/*");
  for (core_v1::HTTPHeader header : action.http_headers()) {
    if (equals_ignore_case(header.name(), "host")) {
      out.authority = std::string(header.value());
    } else {
      out.headers.set(to_lower(header.name()), header.value());
    }
  }
  return out;
}

}  // namespace

uint16_t resolve_port(core_v1::Container container, const Value& port) {
  if (port.type == ValueType::kInt) {
    return port.i > 0 && port.i < 65536 ? static_cast<uint16_t>(port.i) : 0;
  }
  for (core_v1::ContainerPort one : container.ports()) {
    if (one.name() == port.as_text()) return static_cast<uint16_t>(one.container_port());
  }
  std::optional<int64_t> number = parse_int(port.as_text());
  return number && *number > 0 && *number < 65536 ? static_cast<uint16_t>(*number) : 0;
}

Task<HandlerResult> run_exec(Runtime& runtime, std::string id, std::vector<std::string> command,
                             int64_t timeout_seconds) {
  Result<ExecResult> done = co_await runtime.exec_sync(id, std::move(command), timeout_seconds);
  if (!done) co_return HandlerResult{false, done.error().message()};
  std::string output = done->out + done->err;
  if (output.size() > kMaxOutput) output.resize(kMaxOutput);
  co_return HandlerResult{done->exit_code == 0, output};
}

Task<HandlerResult> run_http(HandlerHost node, HandlerTarget target, core_v1::HTTPGetAction action,
                             Duration timeout, StopToken stop) {
  std::string host(action.host().empty() ? std::string_view(target.pod_ip) : action.host());
  uint16_t port = resolve_port(target.container, action.port());
  if (host.empty() || port == 0)
    co_return HandlerResult{false, "the pod has no such address or port"};
  net::ClientOptions options;
  options.address = with_port(host, port);
  options.http2 = false;
  options.connect_timeout = timeout;
  bool tls = action.scheme() == "HTTPS";
  if (tls) {
    Result<std::shared_ptr<crypto::ClientTls>> made =
        crypto::ClientTls::create({.insecure_skip_verify = true, .offer_http2 = false});
    if (!made) co_return HandlerResult{false, made.error().message()};
    options.tls = *made;
  }
  std::string url = std::string(tls ? "https://" : "http://") + options.address;
  Deadline deadline(node.loop, timeout, stop);
  net::Client client(node.loop, options);
  Result<net::Response> response =
      co_await client.send(http_request(target, action, options.address), false, deadline.token());
  co_await client.stop();
  if (!response) {
    std::string why =
        deadline.token().stop_requested()
            ? "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
            : response.error().message();
    co_return HandlerResult{false, "Get \"" + url + std::string(action.path()) + "\": " + why};
  }
  bool ok = response->status >= 200 && response->status < 400;
  co_return HandlerResult{
      ok, ok ? "" : "HTTP probe failed with statuscode: " + std::to_string(response->status)};
}

Task<HandlerResult> run_tcp(HandlerHost node, HandlerTarget target, core_v1::TCPSocketAction action,
                            Duration timeout, StopToken stop) {
  std::string host(action.host().empty() ? std::string_view(target.pod_ip) : action.host());
  uint16_t port = resolve_port(target.container, action.port());
  if (host.empty() || port == 0)
    co_return HandlerResult{false, "the pod has no such address or port"};
  net::DialTarget dial;
  dial.address = with_port(host, port);
  dial.timeout = timeout;
  Result<net::Wire> opened = co_await net::dial(node.loop, node.pool, dial, stop);
  co_return HandlerResult{opened.has_value(), opened ? "" : opened.error().message()};
}

Task<HandlerResult> run_grpc(HandlerHost node, HandlerTarget target, core_v1::GRPCAction action,
                             Duration timeout, StopToken stop) {
  if (target.pod_ip.empty()) co_return HandlerResult{false, "the pod has no address"};
  auto port = static_cast<uint16_t>(action.port());
  net::GrpcChannel channel(node.loop, with_port(target.pod_ip, port));
  // grpc.health.v1.HealthCheckRequest{service = 1}; the answer's status = 1 is SERVING if 1.
  std::string request;
  std::string service(action.service().substr(0, 127));
  if (!service.empty())
    request = "\x0a" + std::string(1, static_cast<char>(service.size())) + service;
  Result<std::string> reply =
      co_await channel.unary("/grpc.health.v1.Health/Check", request, timeout, stop);
  co_await channel.stop();
  if (!reply) co_return HandlerResult{false, "error: " + reply.error().message()};
  bool serving = reply->size() == 2 && (*reply)[0] == 8 && (*reply)[1] == 1;
  co_return HandlerResult{serving,
                          serving ? "" : "service unhealthy (responded with \"NOT_SERVING\")"};
}

Task<HandlerResult> run_probe_action(HandlerHost node, HandlerTarget target, core_v1::Probe probe,
                                     StopToken stop) {
  int64_t seconds = probe.timeout_seconds() > 0 ? probe.timeout_seconds() : 1;
  Duration timeout = std::chrono::seconds(seconds);
  if (probe.has_exec()) {
    std::vector<std::string> command;
    for (std::string_view word : probe.exec().command()) command.emplace_back(word);
    co_return co_await run_exec(node.runtime, target.container_id, std::move(command), seconds);
  }
  if (probe.has_http_get())
    co_return co_await run_http(node, target, probe.http_get(), timeout, stop);
  if (probe.has_tcp_socket()) {
    co_return co_await run_tcp(node, target, probe.tcp_socket(), timeout, stop);
  }
  if (probe.has_grpc()) co_return co_await run_grpc(node, target, probe.grpc(), timeout, stop);
  co_return HandlerResult{false, "missing probe handler"};
}

Task<HandlerResult> run_hook(HandlerHost node, HandlerTarget target, core_v1::LifecycleHandler hook,
                             Duration timeout, StopToken stop) {
  if (hook.has_exec()) {
    std::vector<std::string> command;
    for (std::string_view word : hook.exec().command()) command.emplace_back(word);
    int64_t seconds = std::max<int64_t>(timeout / std::chrono::seconds(1), 1);
    co_return co_await run_exec(node.runtime, target.container_id, std::move(command), seconds);
  }
  if (hook.has_http_get())
    co_return co_await run_http(node, target, hook.http_get(), timeout, stop);
  if (hook.has_sleep()) {
    Duration span = std::min<Duration>(bounded_seconds(hook.sleep().seconds()), timeout);
    (void)co_await sleep_for(node.loop, span, stop);
  }
  co_return HandlerResult{true, ""};
}

}  // namespace tiphys::kubelet
