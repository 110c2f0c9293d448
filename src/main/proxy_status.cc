#include "main/proxy_status.h"

#include "base/build_info.h"
#include "kubelet/metrics/process_metrics.h"
#include "net/text_response.h"
#include "proxy/config/configuration_validation.h"

namespace tiphys {
namespace {

using net::text_response;

void start(net::PlainServer& server, std::string_view address) {
  if (auto where = proxy::host_port(address)) server.start(where->host, where->port);
}

}  // namespace

ProxyStatus::ProxyStatus(Host& host, proxy::Proxier& proxier, const proxy::Configuration& config)
    : host_(host),
      proxier_(proxier),
      config_(config),
      health_(
          host.loop(), "proxier healthz",
          [this](net::Request request) { return health(std::move(request)); },
          [this](const ApiStatus& why) {
            on_failure("FailedToStartProxierHealthcheck",
                       "healthz server failed: failed to start proxy healthz on " +
                           std::string(config_.view().healthz_bind_address()) + ": " +
                           why.message());
          }),
      metrics_(
          host.loop(), "metrics server",
          [this](net::Request request) { return metrics(std::move(request)); },
          [this](const ApiStatus& why) {
            on_failure("FailedToStartMetricServer",
                       "starting metrics server failed: " + why.message());
          }) {
  checks_.serve("healthz", {net::answers("ping")});
}

void ProxyStatus::on_failure(std::string_view reason, const std::string& message) {
  proxier_.tell_of_failure(reason, message);
  if (config_.view().bind_address_hard_fail()) host_.fail(ApiStatus::internal(message));
}

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

void ProxyStatus::serve_healthz() { start(health_, config_.view().healthz_bind_address()); }
void ProxyStatus::serve_metrics() { start(metrics_, config_.view().metrics_bind_address()); }

Task<void> ProxyStatus::stop() {
  co_await health_.stop();
  co_await metrics_.stop();
}

}  // namespace tiphys
