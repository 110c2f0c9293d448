#include "main/proxy_status.h"

#include "base/build_info.h"
#include "kubelet/metrics/process_metrics.h"
#include "net/text_response.h"
#include "proxy/config/configuration_validation.h"

namespace tiphys {
namespace {

using net::text_response;

constexpr Duration kGrace = std::chrono::milliseconds(500);

Result<void> listen(net::Server& server, std::string_view address) {
  std::optional<proxy::HostPort> where = proxy::host_port(address);
  if (!where) return ApiStatus::bad_request("must be IP:port: " + std::string(address));
  return server.listen(where->host, where->port);
}

}  // namespace

ProxyStatus::ProxyStatus(Host& host, proxy::Proxier& proxier, const proxy::Configuration& config)
    : host_(host), proxier_(proxier), config_(config) {
  checks_.serve("healthz", {net::answers("ping")});
}
ProxyStatus::~ProxyStatus() = default;

Task<net::Response> ProxyStatus::health(net::Request request) {
  if (request.path == "/healthz") co_return proxier_.healthz();
  if (request.path == "/livez") co_return proxier_.livez();
  co_return net::not_found_response();
}

Task<net::Response> ProxyStatus::metrics(net::Request request) {
  if (request.path == "/metrics") {
    co_return text_response(
        200, build_info_text() + proxier_.metrics_text() + kubelet::process_metrics_text(),
        net::kMetricsText);
  }
  if (request.path == "/metrics/slis") co_return checks_.slis(request.method);
  if (auto checked = checks_.answer(request.path, request.query)) co_return std::move(*checked);
  if (request.path == "/proxyMode")
    co_return text_response(200, std::string(config_.view().mode()));
  if (request.path == "/configz") {
    co_return text_response(200, "{\"kubeproxy.config.k8s.io\":" + config_.json() + "}",
                            "application/json");
  }
  co_return net::not_found_response();
}

Result<void> ProxyStatus::serve_healthz() {
  health_ = std::make_unique<net::Server>(
      host_.loop(), nullptr, [this](net::Request request) { return health(std::move(request)); });
  return listen(*health_, config_.view().healthz_bind_address());
}

Result<void> ProxyStatus::serve_metrics() {
  metrics_ = std::make_unique<net::Server>(
      host_.loop(), nullptr, [this](net::Request request) { return metrics(std::move(request)); });
  return listen(*metrics_, config_.view().metrics_bind_address());
}

Task<void> ProxyStatus::stop() {
  if (health_) co_await health_->stop(kGrace);
  if (metrics_) co_await metrics_->stop(kGrace);
}

}  // namespace tiphys
