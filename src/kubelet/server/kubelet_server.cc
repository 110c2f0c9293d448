#include "kubelet/server/kubelet_server.h"

#include <algorithm>

#include "base/strings.h"
#include "codec/codec.h"
#include "crypto/certificate.h"
#include "crypto/tls.h"
#include "kubelet/server/log_stream.h"
#include "kubelet/stats/resource_metrics.h"
#include "kubelet/stats/summary.h"
#include "os/files.h"

namespace tiphys::kubelet {
namespace {

constexpr Duration kStopGrace = std::chrono::seconds(2);
constexpr MicroTime kSelfSignedSpan = 3650LL * 24 * 3600 * kMicrosPerSecond;

net::Response text_response(int status, const std::string& text) {
  net::Response out;
  out.status = status;
  out.headers.add("content-type", "text/plain; charset=utf-8");
  out.body = std::make_shared<const std::string>(text + "\n");
  return out;
}

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

// Which container's log is meant; or why there is none, in upstream's words.
Result<const ContainerRecord*> find_log(const PodWorker& worker, const std::string& container,
                                        bool previous) {
  core_v1::Pod pod(*worker.pod());
  std::string name(pod.metadata().name());
  core_v1::Container spec = find_container(pod.spec(), container);
  if (spec.name().empty()) {
    return ApiStatus::bad_request("container \"" + container + "\" in pod \"" + name +
                                  "\" is not available");
  }
  const PodRuntime& state = worker.runtime_state();
  const ContainerRecord* current = state.newest(container);
  const ContainerRecord* found = previous ? state.previous(container) : current;
  if (previous && !found) {
    return ApiStatus::bad_request("previous terminated container \"" + container + "\" in pod \"" +
                                  name + "\" not found");
  }
  if (found && found->state != ContainerState::kCreated) return found;
  std::string reason = "ContainerCreating";
  for (const auto& list :
       {pod.status().container_statuses(), pod.status().init_container_statuses()}) {
    for (core_v1::ContainerStatus status : list) {
      if (status.name() == container && status.state().has_waiting()) {
        reason = status.state().waiting().reason();
      }
    }
  }
  if (reason == "ErrImagePull") reason = "image can't be pulled";
  if (reason == "ImagePullBackOff") reason = "trying and failing to pull image";
  return ApiStatus::bad_request("container \"" + container + "\" in pod \"" + name +
                                "\" is waiting to start: " + reason);
}

}  // namespace

KubeletServer::KubeletServer(EpollLoop& loop, WorkerPool& pool, PodManager& pods,
                             UsageReader& usage, const Options& options)
    : loop_(loop), pool_(pool), pods_(pods), usage_(usage), options_(options) {}

// Given, or self-signed and kept.
Result<void> KubeletServer::load_certificate() {
  certificate_ = options_.tls_cert_pem;
  key_ = options_.tls_key_pem;
  if (!certificate_.empty()) return {};
  std::string folder = options_.root_dir + "/pki";
  Result<std::string> certificate = os::read_file(folder + "/kubelet.crt");
  Result<std::string> key = os::read_file(folder + "/kubelet.key");
  if (certificate && key) {
    certificate_ = *certificate;
    key_ = *key;
    return {};
  }
  TIPHYS_TRY(crypto::PrivateKey, fresh, crypto::PrivateKey::generate());
  crypto::CertificateTemplate what;
  what.subject.common_name =
      options_.node_name + "@" + std::to_string(loop_.wall() / kMicrosPerSecond);
  what.server_auth = true;
  what.dns_names = {options_.node_name};
  what.ip_addresses = {options_.node_ip};
  what.not_before = loop_.wall() - 3600 * kMicrosPerSecond;
  what.not_after = loop_.wall() + kSelfSignedSpan;
  TIPHYS_TRY(crypto::Certificate, made, crypto::sign_certificate(what, fresh, nullptr, fresh));
  certificate_ = made.to_pem();
  key_ = fresh.to_pem();
  Result<void> kept = os::make_dirs(folder, 0700);
  if (kept) kept = os::write_file_atomic(folder + "/kubelet.key", key_, 0600);
  if (kept) kept = os::write_file_atomic(folder + "/kubelet.crt", certificate_);
  return kept;
}

Result<void> KubeletServer::start() {
  Result<void> loaded = load_certificate();
  if (!loaded) return loaded;
  TIPHYS_TRY(std::shared_ptr<crypto::ServerTls>, tls,
             crypto::ServerTls::create(certificate_, key_, options_.client_ca_pem));
  tls_ = std::move(tls);
  server_ = std::make_unique<net::Server>(
      loop_, tls_, [this](net::Request request) { return handle(std::move(request)); });
  return server_->listen(options_.address, options_.port);
}

uint16_t KubeletServer::port() const { return server_ ? server_->port() : options_.port; }

Task<void> KubeletServer::stop() {
  if (server_) co_await server_->stop(kStopGrace);
}

Result<void> KubeletServer::replace_certificate(std::string certificate_pem, std::string key_pem) {
  if (!tls_) return ApiStatus::internal("the kubelet's server isn't started");
  return tls_->replace(std::move(certificate_pem), std::move(key_pem), options_.client_ca_pem);
}

std::optional<net::Response> KubeletServer::authorize(const net::Request& request) const {
  if (!request.peer_certificate) return text_response(401, "Unauthorized");
  crypto::Subject subject = request.peer_certificate->subject();
  bool allowed = subject.common_name == options_.apiserver_common_name;
  for (const std::string& group : subject.organizations) {
    const auto& groups = options_.allowed_groups;
    allowed = allowed || std::find(groups.begin(), groups.end(), group) != groups.end();
  }
  if (allowed) return std::nullopt;
  return text_response(403, "Forbidden (user=" + subject.common_name +
                                ", verb=" + to_lower(request.method) +
                                ", resource=nodes, subresource(s)=[proxy])");
}

Task<net::Response> KubeletServer::handle(net::Request request) {
  if (std::optional<net::Response> refused = authorize(request)) co_return std::move(*refused);
  std::vector<std::string> parts = path_parts(request.path);
  std::string first = parts.empty() ? "" : parts[0];
  if (first == "healthz") co_return text_response(200, "ok");
  if (first == "pods" && parts.size() == 1) co_return list_pods();
  if (first == "containerLogs" && parts.size() == 4) {
    co_return co_await container_logs(std::move(request), parts[1], parts[2], parts[3]);
  }
  if (request.path == "/metrics/resource") co_return co_await resource_metrics();
  if (request.path == "/stats/summary") co_return co_await stats_summary(request.query);
  for (std::string_view later : {"exec", "attach", "portForward", "run"}) {
    if (first == later) {
      co_return text_response(501, "the kubelet of tiphys does not serve /" + first + " yet");
    }
  }
  co_return text_response(404, "404 page not found");
}

net::Response KubeletServer::list_pods() const {
  Draft draft = core_v1::PodList::make();
  core_v1::PodListEdit list(draft);
  list.edit_items();
  for (const ObjectPtr& pod : pods_.all_pods()) list.edit_items().append(core_v1::Pod(*pod));
  std::string json;
  codec::encode_object(codec::Format::kJson, draft.type(), draft.root(), draft.gvk(), json);
  net::Response out;
  out.headers.add("content-type", "application/json");
  out.body = std::make_shared<const std::string>(std::move(json));
  return out;
}

Task<net::Response> KubeletServer::resource_metrics() {
  Result<NodeUsage> usage = co_await usage_.read();
  net::Response out;
  out.headers.add("content-type", "text/plain; version=0.0.4; charset=utf-8");
  out.body = std::make_shared<const std::string>(resource_metrics_text(usage));
  co_return out;
}

Task<net::Response> KubeletServer::stats_summary(std::string query) {
  Result<NodeUsage> usage = co_await usage_.read();
  if (!usage) co_return text_response(500, "Internal Error: " + usage.error().message());
  bool only_cpu_and_memory = asks_for(query, "only_cpu_and_memory");
  net::Response out;
  out.headers.add("content-type", "application/json");
  out.body = std::make_shared<const std::string>(summary_json(*usage, only_cpu_and_memory));
  co_return out;
}

bool KubeletServer::is_running(const std::string& ns, const std::string& pod,
                               const std::string& id) const {
  const PodWorker* worker = pods_.find(ns, pod);
  if (!worker) return false;
  for (const ContainerRecord& c : worker->runtime_state().containers) {
    if (c.id == id) return c.state == ContainerState::kRunning;
  }
  return false;
}

Task<net::Response> KubeletServer::container_logs(net::Request request, std::string ns,
                                                  std::string pod, std::string container) {
  Result<LogOptions> options = parse_log_options(request.query, loop_.wall());
  if (!options) co_return text_response(400, options.error().message());
  const PodWorker* worker = pods_.find(ns, pod);
  if (!worker) co_return text_response(404, "pod \"" + pod + "\" does not exist");
  Result<const ContainerRecord*> record = find_log(*worker, container, options->previous);
  if (!record) co_return text_response(record.error().code(), record.error().message());
  std::string path = (*record)->log_path;
  std::string id = (*record)->id;
  LogOptions wanted = *options;
  Result<LogReader> reader =
      co_await run_blocking(loop_, pool_, [path, wanted] { return LogReader::open(path, wanted); });
  if (!reader) co_return text_response(500, reader.error().message());
  net::Response out;
  out.headers.add("content-type", "text/plain");
  auto running = [this, ns, pod, id] { return is_running(ns, pod, id); };
  out.stream = std::make_unique<LogStream>(loop_, pool_, std::move(*reader), wanted.follow, running,
                                           path, wanted);
  co_return out;
}

}  // namespace tiphys::kubelet
