#include "kubelet/probes/handler.h"

#include <algorithm>

#include "async/deadline.h"
#include "base/strings.h"
#include "base/time_math.h"
#include "crypto/tls.h"
#include "kubelet/pods/expansion.h"
#include "kubelet/pods/model.h"
#include "kubelet/probes/grpc_health.h"
#include "kubelet/probes/http_action.h"
#include "net/client.h"
#include "net/dial.h"
#include "net/grpc.h"

namespace tiphys::kubelet {
namespace {

constexpr const char* kProbeAgent = "kube-probe/1.35";
constexpr const char* kHookAgent = "kube-lifecycle/1.35";

HandlerResult failure(std::string output) { return {HandlerOutcome::kFailure, std::move(output)}; }
HandlerResult error(std::string output) { return {HandlerOutcome::kError, std::move(output)}; }

std::string seconds_text(int64_t seconds) {
  return format_go_duration(std::chrono::seconds(seconds));
}

// $(NAME) of the container's own plain variables.
std::vector<std::string> expanded(ListView<std::string_view> command, core_v1::Container c) {
  Variables variables;
  for (core_v1::EnvVar one : c.env()) variables[std::string(one.name())] = one.value();
  std::vector<std::string> out;
  for (std::string_view word : command) out.push_back(expand_variables(word, variables));
  return out;
}

// timeout_seconds 0: none.
Task<HandlerResult> run_exec(HandlerHost host, std::string id, std::vector<std::string> command,
                             int64_t timeout_seconds) {
  std::string shown = join(command, " ");
  Result<ExecResult> done =
      co_await host.runtime.exec_sync(id, std::move(command), timeout_seconds);
  if (!done && done.error().reason() == "DeadlineExceeded") {
    co_return failure("command timed out: " + go_quote(shown) + " timed out after " +
                      seconds_text(timeout_seconds));
  }
  if (!done) {
    co_return error("rpc error: code = " + std::string(done.error().reason()) +
                    " desc = " + done.error().message());
  }
  std::string output = done->out + done->err;
  if (output.size() > kMaxHandlerOutput) output.resize(kMaxHandlerOutput);
  if (done->exit_code != 0) co_return failure(output);
  co_return HandlerResult{HandlerOutcome::kSuccess, output};
}

struct HttpAnswer {
  int status = 0;
  std::string location;
  std::string body;  // its beginning
};

Task<Result<HttpAnswer>> get(EpollLoop& loop, HttpTarget target, net::Request request,
                             Duration timeout, StopToken stop) {
  net::ClientOptions options;
  options.address = target.address();
  options.http2 = false;
  options.connect_timeout = timeout;
  if (target.tls) {
    Result<std::shared_ptr<crypto::ClientTls>> made =
        crypto::ClientTls::create({.insecure_skip_verify = true, .offer_http2 = false});
    if (!made) co_return made.error();
    options.tls = *made;
  }
  net::Client client(loop, options);
  Result<net::Response> response = co_await client.send(std::move(request), true, stop);
  HttpAnswer out;
  if (response) {
    out.status = response->status;
    out.location = std::string(response->headers.get("location"));
    while (response->stream && out.body.size() < kMaxHandlerOutput) {
      Result<net::Bytes> chunk = co_await response->stream->next(stop);
      if (!chunk || !*chunk) break;
      out.body += **chunk;
    }
    response->stream.reset();
  }
  co_await client.stop();
  if (!response) co_return response.error();
  if (out.body.size() > kMaxHandlerOutput) out.body.resize(kMaxHandlerOutput);
  co_return out;
}

Result<HttpTarget> resolve_http(const HandlerTarget& target, core_v1::HTTPGetAction action) {
  std::string host(action.host().empty() ? std::string_view(target.pod_ip) : action.host());
  Result<uint16_t> port = resolve_port(target.container, action.port());
  if (!port) return port.error();
  if (host.empty()) return ApiStatus::internal("the pod has no address");
  return http_target(action, host, *port);
}

// Follows redirects that stay on the host. Errors are the request's.
Task<Result<HttpAnswer>> request_http(HandlerHost node, HttpTarget at,
                                      core_v1::HTTPGetAction action, const char* agent,
                                      Duration timeout, StopToken stop) {
  Deadline deadline(node.loop, timeout, stop);
  for (int hops = 0;; ++hops) {
    net::Request request = http_request(at, action, agent);
    Result<HttpAnswer> answer =
        co_await get(node.loop, at, std::move(request), timeout, deadline.token());
    std::string start = "Get " + go_quote(at.url()) + ": ";
    if (deadline.passed()) {
      co_return ApiStatus::internal(start +
                                    "context deadline exceeded (Client.Timeout exceeded while "
                                    "awaiting headers)");
    }
    if (!answer) co_return ApiStatus::internal(start + answer.error().message());
    bool redirect = answer->status >= 300 && answer->status < 400 && answer->status != 304;
    if (!redirect || answer->location.empty()) co_return answer;
    std::optional<HttpTarget> next = follow_location(at, answer->location);
    if (!next || next->host != at.host) co_return answer;
    if (hops + 1 >= kMaxRedirects) {
      co_return ApiStatus::internal(start + "stopped after " + std::to_string(kMaxRedirects) +
                                    " redirects");
    }
    at = std::move(*next);
  }
}

Task<HandlerResult> run_http(HandlerHost node, HandlerTarget target, core_v1::HTTPGetAction action,
                             Duration timeout, StopToken stop) {
  Result<HttpTarget> at = resolve_http(target, action);
  if (!at) co_return error(at.error().message());
  Result<HttpAnswer> answer = co_await request_http(node, *at, action, kProbeAgent, timeout, stop);
  if (!answer) co_return failure(answer.error().message());
  if (answer->status < 200 || answer->status >= 400) {
    co_return failure("HTTP probe failed with statuscode: " + std::to_string(answer->status));
  }
  if (answer->status >= 300) {
    co_return HandlerResult{HandlerOutcome::kWarning,
                            "Probe terminated redirects, Response body: " + answer->body};
  }
  co_return HandlerResult{HandlerOutcome::kSuccess, answer->body};
}

// "Exec lifecycle hook (...) for Container "a" in Pod "b" failed - error: "
std::string hook_failed(const HandlerTarget& target, const std::string& what) {
  return what + " for Container " + go_quote(target.container.name()) + " in Pod " +
         go_quote(pod_label(core_v1::Pod(*target.pod))) + " failed - error: ";
}

Task<HandlerResult> run_http_hook(HandlerHost node, HandlerTarget target,
                                  core_v1::HTTPGetAction action, Duration timeout, StopToken stop) {
  std::string start =
      hook_failed(target, "HTTP lifecycle hook (" + std::string(action.path()) + ")");
  Result<HttpTarget> at = resolve_http(target, action);
  if (!at) co_return error(start + at.error().message());
  Result<HttpAnswer> answer = co_await request_http(node, *at, action, kHookAgent, timeout, stop);
  if (!answer) co_return failure(start + answer.error().message());
  co_return HandlerResult{};
}

Task<HandlerResult> run_exec_hook(HandlerHost host, HandlerTarget target, core_v1::ExecAction hook,
                                  Duration timeout) {
  std::vector<std::string> command;
  for (std::string_view word : hook.command()) command.emplace_back(word);
  std::string words = join(command, " ");
  std::string start = hook_failed(target, "Exec lifecycle hook ([" + words + "])");
  int64_t seconds = std::max<int64_t>(timeout / std::chrono::seconds(1), 1);
  Result<ExecResult> done =
      co_await host.runtime.exec_sync(target.container_id, std::move(command), seconds);
  if (!done) co_return error(start + done.error().message() + ", message: \"\"");
  if (done->exit_code == 0) co_return HandlerResult{};
  std::string output = (done->out + done->err).substr(0, kMaxHandlerOutput);
  co_return failure(start + "command '" + words + "' exited with " +
                    std::to_string(done->exit_code) + ": " +
                    done->err.substr(0, kMaxHandlerOutput) + ", message: " + go_quote(output));
}

Task<HandlerResult> run_tcp(HandlerHost node, HandlerTarget target, core_v1::TCPSocketAction action,
                            Duration timeout, StopToken stop) {
  Result<uint16_t> port = resolve_port(target.container, action.port());
  if (!port) co_return error(port.error().message());
  HttpTarget at;
  at.host = std::string(action.host().empty() ? std::string_view(target.pod_ip) : action.host());
  at.port = *port;
  if (at.host.empty()) co_return error("the pod has no address");
  net::DialTarget dial;
  dial.address = at.address();
  dial.timeout = timeout;
  Result<net::Wire> opened = co_await net::dial(node.loop, node.pool, dial, stop);
  if (!opened) co_return failure(opened.error().message());
  co_return HandlerResult{};
}

HandlerResult grpc_failure(const ApiStatus& why, const std::string& address,
                           const std::string& limit) {
  if (why.reason() == "Unimplemented") {
    return failure(
        "error: this server does not implement the grpc health protocol "
        "(grpc.health.v1.Health): " +
        why.message());
  }
  if (why.reason() == "DeadlineExceeded") {
    return failure("timeout: health rpc did not complete within " + limit);
  }
  if (why.reason() == "Unavailable" || why.reason() == "ServiceUnavailable") {
    return failure("error: failed to connect service at " + go_quote(address) + ": " +
                   why.message());
  }
  return failure("error: health rpc probe failed: rpc error: code = " + std::string(why.reason()) +
                 " desc = " + why.message());
}

Task<HandlerResult> run_grpc(HandlerHost node, HandlerTarget target, core_v1::GRPCAction action,
                             int64_t seconds, StopToken stop) {
  if (target.pod_ip.empty()) co_return error("the pod has no address");
  HttpTarget at;
  at.host = target.pod_ip;
  at.port = static_cast<uint16_t>(action.port());
  std::string address = at.address();
  net::GrpcChannel channel(node.loop, address);
  net::Headers metadata;
  metadata.add("user-agent", kProbeAgent);
  Result<std::string> reply =
      co_await channel.unary("/grpc.health.v1.Health/Check", health_check_request(action.service()),
                             std::chrono::seconds(seconds), stop, metadata);
  co_await channel.stop();
  if (!reply) co_return grpc_failure(reply.error(), address, seconds_text(seconds));
  std::optional<std::string> status = health_check_status(*reply);
  if (!status) co_return failure("error: health rpc probe failed: malformed answer");
  if (*status == "SERVING") co_return HandlerResult{HandlerOutcome::kSuccess, "service healthy"};
  co_return failure("service unhealthy (responded with " + go_quote(*status) + ")");
}

}  // namespace

Result<uint16_t> resolve_port(core_v1::Container container, const Value& port) {
  std::optional<int64_t> number;
  if (port.type == ValueType::kInt) {
    number = port.i;
  } else {
    for (core_v1::ContainerPort one : container.ports()) {
      if (one.name() == port.as_text()) number = one.container_port();
    }
    if (!number) number = parse_int(port.as_text());
    if (!number) {
      return ApiStatus::bad_request("strconv.Atoi: parsing " + go_quote(port.as_text()) +
                                    ": invalid syntax");
    }
  }
  if (*number > 0 && *number < 65536) return static_cast<uint16_t>(*number);
  return ApiStatus::bad_request("invalid port number: " + std::to_string(*number));
}

Task<HandlerResult> run_probe_action(HandlerHost host, HandlerTarget target, core_v1::Probe probe,
                                     StopToken stop) {
  int64_t seconds = probe.timeout_seconds() > 0 ? probe.timeout_seconds() : 1;
  Duration timeout = std::chrono::seconds(seconds);
  if (probe.has_exec()) {
    std::vector<std::string> command = expanded(probe.exec().command(), target.container);
    co_return co_await run_exec(host, target.container_id, std::move(command), seconds);
  }
  if (probe.has_http_get()) {
    co_return co_await run_http(host, target, probe.http_get(), timeout, stop);
  }
  if (probe.has_tcp_socket()) {
    co_return co_await run_tcp(host, target, probe.tcp_socket(), timeout, stop);
  }
  if (probe.has_grpc()) co_return co_await run_grpc(host, target, probe.grpc(), seconds, stop);
  co_return error("missing probe handler");
}

Task<HandlerResult> run_hook(HandlerHost host, HandlerTarget target, core_v1::LifecycleHandler hook,
                             Duration timeout, StopToken stop) {
  if (hook.has_exec()) {
    co_return co_await run_exec_hook(host, target, hook.exec(), timeout);
  }
  if (hook.has_http_get()) {
    co_return co_await run_http_hook(host, target, hook.http_get(), timeout, stop);
  }
  if (hook.has_sleep()) {
    Duration span = std::min<Duration>(bounded_seconds(hook.sleep().seconds()), timeout);
    (void)co_await sleep_for(host.loop, span, stop);
    co_return HandlerResult{};
  }
  co_return error("Cannot run handler: invalid handler");
}

}  // namespace tiphys::kubelet
