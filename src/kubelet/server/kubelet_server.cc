#include "kubelet/server/kubelet_server.h"

#include "base/strings.h"
#include "codec/codec.h"
#include "crypto/tls.h"
#include "kubelet/server/responses.h"
#include "kubelet/server/serving_certificate.h"
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

}  // namespace

KubeletServer::KubeletServer(EpollLoop& loop, WorkerPool& pool, client::Client& client,
                             Runtime& runtime, PodManager& pods, UsageReader& usage,
                             const Options& options)
    : loop_(loop),
      pods_(pods),
      usage_(usage),
      options_(options),
      logs_(loop, pool, pods),
      streaming_(loop, runtime, pods, options),
      access_(std::make_unique<RequestAccess>(loop, client, options)) {}

Result<void> KubeletServer::start() {
  CertificatePair serving{options_.tls_cert_pem, options_.tls_key_pem};
  if (serving.certificate_pem.empty()) {
    TIPHYS_TRY(CertificatePair, own, self_signed_certificate(options_, loop_.wall()));
    serving = std::move(own);
  }
  TIPHYS_TRY(
      std::shared_ptr<crypto::ServerTls>, tls,
      crypto::ServerTls::create(serving.certificate_pem, serving.key_pem, options_.client_ca_pem));
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

Task<net::Response> KubeletServer::handle(net::Request request) {
  RequestAccess::Call call = RequestAccess::call_of(request);
  std::optional<net::Response> refused = co_await access_->refusal(std::move(call));
  if (refused) co_return std::move(*refused);
  co_return co_await route(std::move(request));
}

Task<net::Response> KubeletServer::route(net::Request request) {
  std::vector<std::string> parts = path_parts(request.path);
  std::string first = parts.empty() ? "" : parts[0];
  if (first == "healthz") co_return text_response(200, "ok");
  if (first == "pods" && parts.size() == 1) co_return list_pods();
  if (first == "containerLogs" && parts.size() == 4) {
    co_return co_await logs_.answer(request.query, parts[1], parts[2], parts[3]);
  }
  if (request.path == "/metrics/resource") co_return co_await resource_metrics();
  if (request.path == "/stats/summary") co_return co_await stats_summary(request.query);
  if (std::optional<StreamingRequest> stream = streaming_path(parts)) {
    co_return co_await streaming_.answer(std::move(request), std::move(*stream));
  }
  co_return not_found_response();
}

net::Response KubeletServer::list_pods() const {
  Draft draft = core_v1::PodList::make();
  core_v1::PodListEdit list(draft);
  list.edit_items();
  for (const ObjectPtr& pod : pods_.all_pods()) list.edit_items().append(core_v1::Pod(*pod));
  std::string json;
  codec::encode_object(codec::Format::kJson, draft.type(), draft.root(), draft.gvk(), json);
  return json_response(std::move(json));
}

Task<net::Response> KubeletServer::resource_metrics() {
  Result<NodeUsage> usage = co_await usage_.read();
  co_return metrics_response(resource_metrics_text(usage));
}

Task<net::Response> KubeletServer::stats_summary(std::string query) {
  Result<NodeUsage> usage = co_await usage_.read();
  if (!usage) co_return text_response(500, "Internal Error: " + usage.error().message());
  bool only_cpu_and_memory = asks_for(query, "only_cpu_and_memory");
  co_return json_response(summary_json(*usage, only_cpu_and_memory));
}

}  // namespace tiphys::kubelet
