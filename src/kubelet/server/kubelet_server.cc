#include "kubelet/server/kubelet_server.h"

#include "base/log.h"
#include "base/strings.h"
#include "crypto/tls.h"
#include "kubelet/pods/static_pod.h"
#include "kubelet/server/debug_handlers.h"
#include "kubelet/server/pod_lists.h"
#include "kubelet/server/responses.h"
#include "kubelet/server/serving_certificate.h"
#include "kubelet/stats/cadvisor_metrics.h"
#include "kubelet/stats/resource_metrics.h"
#include "kubelet/stats/summary.h"

namespace tiphys::kubelet {
namespace {

constexpr Duration kStopGrace = std::chrono::seconds(2);

// As upstream reads it: said once, and in this word.
bool asks_for(std::string_view query, std::string_view term) {
  std::string_view name = term.substr(0, term.find('=') + 1);
  size_t said = 0;
  bool exact = false;
  for (std::string_view pair : split(query, '&')) {
    said += pair.starts_with(name) ? 1 : 0;
    exact = exact || pair == term;
  }
  return exact && said == 1;
}

Streaming::FindPod pod_finder(const PodManager& pods) {
  return [&pods](const std::string& ns, const std::string& name) -> ObjectPtr {
    const PodWorker* worker = pods.find(ns, name);
    return worker ? worker->pod() : nullptr;
  };
}

// What follows "debug/pprof".
std::string profile_of(const std::vector<std::string>& parts) {
  return join({parts.begin() + 2, parts.end()}, "/");
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
      logs_(loop, pool, runtime, pods),
      streaming_(loop, runtime, pod_finder(pods), options),
      system_logs_(loop, pool),
      checkpoints_(loop, pool, runtime, pods, options),
      access_(std::make_unique<RequestAccess>(loop, client, options)),
      client_ca_pem_(options.client_ca_pem),
      files_(loop, pool),
      healthz_(loop, "healthz server", [this](net::Request request) { return health(request); }),
      read_only_(loop, "read-only server",
                 [this](net::Request request) { return handle_read_only(std::move(request)); }) {
  // All three stand for one fact: the loop that syncs pods and writes the log is the one that
  // answers.
  health_.serve("healthz", {net::answers("ping"), net::answers("log"), net::answers("syncloop")});
}

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
             crypto::ServerTls::create(serving.certificate_pem, serving.key_pem, client_ca_pem_,
                                       std::move(settings)));
  tls_ = std::move(tls);
  serving_ = std::move(serving);
  follow_files();
  server_ = std::make_unique<net::Server>(
      loop_, tls_, [this](net::Request request) { return handle(std::move(request)); });
  return server_->listen(options_.address, options_.port);
}

uint16_t KubeletServer::port() const { return server_ ? server_->port() : options_.port; }

Task<void> KubeletServer::stop() {
  co_await healthz_.stop();
  co_await read_only_.stop();
  co_await files_.stop();
  if (server_) co_await server_->stop(kStopGrace);
}

Result<void> KubeletServer::replace_certificate(std::string certificate_pem, std::string key_pem) {
  if (!tls_) return ApiStatus::internal("the kubelet's server isn't started");
  return serve_with({std::move(certificate_pem), std::move(key_pem)}, client_ca_pem_);
}

Result<void> KubeletServer::serve_with(CertificatePair pair, std::string client_ca_pem) {
  Result<void> replaced = tls_->replace(pair.certificate_pem, pair.key_pem, client_ca_pem);
  if (!replaced) return replaced;
  serving_ = std::move(pair);
  client_ca_pem_ = std::move(client_ca_pem);
  return {};
}

void KubeletServer::follow_files() {
  files_.start({options_.tls_cert_file, options_.tls_private_key_file, options_.client_ca_file},
               {options_.tls_cert_pem, options_.tls_key_pem, options_.client_ca_pem},
               [this](const TlsFiles::Contents& now) { files_changed(now); });
}

// Each of the two by itself: one that is broken doesn't hold back the other.
void KubeletServer::files_changed(const TlsFiles::Contents& now) {
  CertificatePair pair{now.certificate_pem, now.key_pem};
  if (!options_.tls_cert_file.empty() && pair != serving_) {
    Result<void> served = serve_with(std::move(pair), client_ca_pem_);
    LogField place{"certFile", options_.tls_cert_file};
    if (served) LOG_INFO("loaded certificate and key pair in kubelet server", place);
    if (!served) {
      LOG_ERROR("invalid certificate and key pair from file", place, {"err", served.error()});
    }
  }
  if (!options_.client_ca_file.empty() && now.client_ca_pem != client_ca_pem_) {
    Result<void> served = ApiStatus::bad_request("missing content for CA bundle");
    if (!now.client_ca_pem.empty()) served = serve_with(serving_, now.client_ca_pem);
    LogField place{"clientCAFile", options_.client_ca_file};
    if (served) LOG_INFO("Loaded a new CA Bundle", place);
    if (!served) LOG_ERROR("Failed to load the CA bundle", place, {"err", served.error()});
  }
}

Task<net::Response> KubeletServer::handle(net::Request request) {
  MonoTime begin = loop_.mono();
  std::string method = request.method, path = request.path;
  metrics_.http_inflight(method, path, "readwrite", 1);
  RequestAccess::Call call = RequestAccess::call_of(request);
  std::optional<net::Response> answer = co_await access_->refusal(std::move(call));
  if (!answer) answer = co_await route(std::move(request), false);
  metrics_.http_inflight(method, path, "readwrite", -1);
  metrics_.http_request(method, path, "readwrite", loop_.mono() - begin);
  co_return std::move(*answer);
}

Task<net::Response> KubeletServer::handle_read_only(net::Request request) {
  MonoTime begin = loop_.mono();
  std::string method = request.method, path = request.path;
  net::Response answer = co_await route(std::move(request), true);
  metrics_.http_request(method, path, "readonly", loop_.mono() - begin);
  co_return answer;
}

Task<net::Response> KubeletServer::route(net::Request request, bool read_only) {
  Routed to = route_of(request.path, request.method, options_, read_only);
  if (to.refusal) co_return std::move(*to.refusal);
  switch (to.route) {
    case Route::kHealthz:
      co_return co_await health(std::move(request));
    case Route::kPods:
      co_return json_response(pod_list_json(pods_));
    case Route::kSummary:
      co_return co_await stats_summary(request.query);
    case Route::kMetrics:
      co_return co_await metrics(std::move(request));
    case Route::kRunningPods:
      co_return json_response(running_pods_json(pods_));
    case Route::kLogs:
      co_return co_await system_logs_.answer(std::move(request));
    case Route::kProfiles:
      co_return profile_answer(profile_of(to.parts));
    case Route::kVerbosity:
      co_return verbosity_answer(request.method, request.body);
    case Route::kConfigz:
      co_return configz();
    default:
      co_return co_await route_to_container(std::move(request), std::move(to));
  }
}

Task<net::Response> KubeletServer::route_to_container(net::Request request, Routed to) {
  if (to.route == Route::kStreaming) {
    StreamingRequest stream = *streaming_path(to.parts);
    co_return co_await streaming_.answer(std::move(request), std::move(stream));
  }
  std::string ns = to.parts[1], pod = to.parts[2], container = to.parts[3];
  if (to.route == Route::kCheckpoint) {
    co_return co_await checkpoints_.answer(request.query, ns, pod, container);
  }
  co_return co_await logs_.answer(request.query, ns, pod, container);
}

net::Response KubeletServer::configz() const {
  if (options_.configuration_json.empty()) return not_found_response();
  return json_response("{\"kubeletconfig\":" + options_.configuration_json + "}");
}

Task<net::Response> KubeletServer::health(net::Request request) {
  std::optional<net::Response> answer = health_.answer(request.path, request.query);
  co_return answer ? std::move(*answer) : not_found_response();
}

Task<net::Response> KubeletServer::metrics(net::Request request) {
  std::string path = request.path;
  if (path == "/metrics/slis") co_return health_.slis(request.method);
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
    core_v1::Pod pod(*worker->pod());
    bool is_static = is_static_pod(pod);
    if (!worker->finished()) ++(is_static ? now.desired_static_pods : now.desired_pods);
    if (worker->is_active()) ++(is_static ? now.active_static_pods : now.active_pods);
    now.ephemeral_containers += pod.spec().ephemeral_containers().size();
    ResizeReport resize = worker->resize_report();
    if (resize.pending) {
      ++(resize.pending->reason == "Deferred" ? now.deferred_resizes : now.infeasible_resizes);
    }
    if (resize.progress) ++now.resizes_in_progress;
    for (const ContainerRecord& c : worker->runtime_state().containers) {
      if (c.state == ContainerState::kRunning) ++now.running_containers;
      if (c.state == ContainerState::kExited) ++now.exited_containers;
      if (c.state == ContainerState::kCreated) ++now.created_containers;
    }
  }
  return metrics_.text(now);
}

Task<net::Response> KubeletServer::stats_summary(std::string query) {
  bool only_cpu_and_memory = asks_for(query, "only_cpu_and_memory=true");
  Task<Result<NodeUsage>> reading = only_cpu_and_memory ? usage_.read() : usage_.read_with_disks();
  Result<NodeUsage> usage = co_await std::move(reading);
  if (!usage) co_return text_response(500, "Internal Error: " + usage.error().message());
  co_return json_response(summary_json(*usage, only_cpu_and_memory));
}

}  // namespace tiphys::kubelet
