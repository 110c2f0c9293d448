#include "kubelet/server/kubelet_server.h"

#include <algorithm>

#include "base/strings.h"
#include "crypto/tls.h"
#include "kubelet/server/healthz.h"
#include "kubelet/server/pod_lists.h"
#include "kubelet/server/responses.h"
#include "kubelet/server/serving_certificate.h"
#include "kubelet/stats/cadvisor_metrics.h"
#include "kubelet/stats/resource_metrics.h"
#include "kubelet/stats/summary.h"

namespace tiphys::kubelet {
namespace {

constexpr Duration kStopGrace = std::chrono::seconds(2);

// As Go's ParseBool; the last of several counts.
bool asks_for(std::string_view query, std::string_view name) {
  bool out = false;
  for (std::string_view pair : split(query, '&')) {
    std::optional<std::string_view> value = cut_prefix(pair, name);
    if (!value || !value->starts_with('=')) continue;
    std::string text = to_lower(value->substr(1));
    out = text == "true" || text == "t" || text == "1";
  }
  return out;
}

std::vector<std::string> path_parts(std::string_view path) {
  std::vector<std::string> out;
  for (std::string_view part : split(path, '/')) {
    if (part.empty()) continue;
    out.push_back(percent_decode(part, false).value_or(std::string(part)));
  }
  return out;
}

// What serves logs, or runs commands.
constexpr std::string_view kDebugging[] = {"run",           "exec",        "attach", "portForward",
                                           "containerLogs", "runningpods", "debug",  "logs"};

Task<net::Response> answer_healthz(net::Request request) {
  bool known = request.path == "/healthz" || request.path.starts_with("/healthz/");
  co_return known ? healthz_answer(request.path, request.query) : not_found_response();
}

}  // namespace

KubeletServer::KubeletServer(EpollLoop& loop, WorkerPool& pool, client::Client& client,
                             Runtime& runtime, PodManager& pods, UsageReader& usage,
                             KubeletMetrics& metrics, const Options& options)
    : loop_(loop),
      pods_(pods),
      usage_(usage),
      metrics_(metrics),
      options_(options),
      logs_(loop, pool, pods),
      streaming_(loop, runtime, pods, options),
      access_(std::make_unique<RequestAccess>(loop, client, options)),
      healthz_(loop, "healthz server", answer_healthz),
      read_only_(loop, "read-only server",
                 [this](net::Request request) { return handle_read_only(std::move(request)); }) {}

Result<void> KubeletServer::start() {
  if (options_.enable_server) {
    if (Result<void> started = start_secure(); !started) return started;
    if (options_.read_only_port != 0) read_only_.start(options_.address, options_.read_only_port);
  }
  if (options_.healthz_port != 0) {
    healthz_.start(options_.healthz_bind_address, options_.healthz_port);
  }
  return {};
}

Result<void> KubeletServer::start_secure() {
  CertificatePair serving{options_.tls_cert_pem, options_.tls_key_pem};
  if (serving.certificate_pem.empty()) {
    TIPHYS_TRY(CertificatePair, own, self_signed_certificate(options_, loop_.wall()));
    serving = std::move(own);
  }
  crypto::ServerTls::Settings settings{options_.tls_min_version, options_.tls_cipher_suites};
  TIPHYS_TRY(std::shared_ptr<crypto::ServerTls>, tls,
             crypto::ServerTls::create(serving.certificate_pem, serving.key_pem,
                                       options_.client_ca_pem, std::move(settings)));
  tls_ = std::move(tls);
  server_ = std::make_unique<net::Server>(
      loop_, tls_, [this](net::Request request) { return handle(std::move(request)); });
  return server_->listen(options_.address, options_.port);
}

uint16_t KubeletServer::port() const { return server_ ? server_->port() : options_.port; }

Task<void> KubeletServer::stop() {
  co_await healthz_.stop();
  co_await read_only_.stop();
  if (server_) co_await server_->stop(kStopGrace);
}

Result<void> KubeletServer::replace_certificate(std::string certificate_pem, std::string key_pem) {
  if (!tls_) return ApiStatus::internal("the kubelet's server isn't started");
  return tls_->replace(std::move(certificate_pem), std::move(key_pem), options_.client_ca_pem);
}

Task<net::Response> KubeletServer::handle(net::Request request) {
  MonoTime begin = loop_.mono();
  std::string method = request.method, path = request.path;
  RequestAccess::Call call = RequestAccess::call_of(request);
  std::optional<net::Response> answer = co_await access_->refusal(std::move(call));
  if (!answer) answer = co_await route(std::move(request), options_.enable_debugging_handlers);
  metrics_.http_request(method, path, "readwrite", loop_.mono() - begin);
  co_return std::move(*answer);
}

Task<net::Response> KubeletServer::handle_read_only(net::Request request) {
  MonoTime begin = loop_.mono();
  std::string method = request.method, path = request.path;
  net::Response answer = co_await route(std::move(request), false);
  metrics_.http_request(method, path, "readonly", loop_.mono() - begin);
  co_return answer;
}

Task<net::Response> KubeletServer::route(net::Request request, bool debugging) {
  std::vector<std::string> parts = path_parts(request.path);
  std::string first = parts.empty() ? "" : parts[0];
  if (std::ranges::find(kDebugging, first) != std::end(kDebugging)) {
    if (!debugging) co_return text_response(405, "Debug endpoints are disabled.\n");
    co_return co_await route_debugging(std::move(request), std::move(parts));
  }
  if (first == "healthz") co_return healthz_answer(request.path, request.query);
  if (first == "pods" && parts.size() == 1) co_return json_response(pod_list_json(pods_));
  if (first == "configz" && debugging) co_return configz();
  if (first == "metrics") co_return co_await metrics(request.path);
  if (request.path == "/stats/summary") co_return co_await stats_summary(request.query);
  co_return not_found_response();
}

Task<net::Response> KubeletServer::route_debugging(net::Request request,
                                                   std::vector<std::string> parts) {
  const std::string& first = parts[0];
  if (first == "containerLogs" && parts.size() == 4) {
    co_return co_await logs_.answer(request.query, parts[1], parts[2], parts[3]);
  }
  if (first == "runningpods") co_return json_response(running_pods_json(pods_));
  if (std::optional<StreamingRequest> stream = streaming_path(parts)) {
    co_return co_await streaming_.answer(std::move(request), std::move(*stream));
  }
  co_return not_found_response();
}

net::Response KubeletServer::configz() const {
  if (options_.configuration_json.empty()) return not_found_response();
  return json_response("{\"kubeletconfig\":" + options_.configuration_json + "}");
}

Task<net::Response> KubeletServer::metrics(std::string path) {
  if (path == "/metrics") co_return metrics_response(own_metrics());
  if (path == "/metrics/probes") co_return metrics_response(metrics_.probes_text());
  bool resource = path == "/metrics/resource";
  if (!resource && path != "/metrics/cadvisor") co_return not_found_response();
  Result<NodeUsage> usage = co_await usage_.read();
  co_return metrics_response(resource ? resource_metrics_text(usage)
                                      : cadvisor_metrics_text(usage));
}

std::string KubeletServer::own_metrics() const {
  KubeletMetrics::Now now;
  for (const PodWorker* worker : pods_.workers()) {
    const SandboxRecord* sandbox = worker->runtime_state().newest_sandbox();
    if (sandbox && sandbox->ready) ++now.running_pods;
    if (!worker->finished()) ++now.desired_pods;
    for (const ContainerRecord& c : worker->runtime_state().containers) {
      if (c.state == ContainerState::kRunning) ++now.running_containers;
      if (c.state == ContainerState::kExited) ++now.exited_containers;
      if (c.state == ContainerState::kCreated) ++now.created_containers;
    }
  }
  return metrics_.text(now);
}

Task<net::Response> KubeletServer::stats_summary(std::string query) {
  bool only_cpu_and_memory = asks_for(query, "only_cpu_and_memory");
  Task<Result<NodeUsage>> reading = only_cpu_and_memory ? usage_.read() : usage_.read_with_disks();
  Result<NodeUsage> usage = co_await std::move(reading);
  if (!usage) co_return text_response(500, "Internal Error: " + usage.error().message());
  co_return json_response(summary_json(*usage, only_cpu_and_memory));
}

}  // namespace tiphys::kubelet
