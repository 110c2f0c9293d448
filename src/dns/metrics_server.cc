#include "dns/metrics_server.h"

namespace tiphys::dns {

namespace {

constexpr const char* kPlainText = "text/plain; charset=utf-8";
constexpr const char* kPrometheusText = "text/plain; version=0.0.4; charset=utf-8";

net::ServerLimits limits() {
  net::ServerLimits out;
  out.max_header_bytes = 16 << 10;
  out.max_body_bytes = 1 << 10;
  out.header_timeout = std::chrono::seconds(10);
  out.body_timeout = std::chrono::seconds(10);
  out.max_connections = 256;
  return out;
}

net::Response text(int status, std::string body, const char* type = kPlainText) {
  net::Response response;
  response.status = status;
  response.headers.add("content-type", type);
  response.body = std::make_shared<const std::string>(std::move(body));
  return response;
}

Task<net::Response> at_once(net::Response response) { co_return response; }

}  // namespace

MetricsServer::MetricsServer(EpollLoop& loop, Source source)
    : source_(std::move(source)),
      server_(
          loop, nullptr, [this](net::Request request) { return at_once(answer(request)); },
          limits()) {}

Result<void> MetricsServer::listen(const std::string& address, uint16_t port) {
  return server_.listen(address, port, net::Presence::kExpected);
}

Task<void> MetricsServer::stop() { co_await server_.stop(Duration::zero()); }

net::Response MetricsServer::answer(const net::Request& request) const {
  Result<net::HostPort> from = net::split_host_port(request.remote_address);
  std::optional<IpAddress> client = from ? parse_ip(from->host) : std::nullopt;
  if (!client || !source_.allowed(*client)) return text(403, "forbidden\n");
  if (request.path == "/metrics") return text(200, source_.text(), kPrometheusText);
  if (request.path == "/health") return text(200, "OK");
  // As CoreDNS: who isn't ready is named.
  if (request.path == "/ready") {
    return source_.ready() ? text(200, "OK") : text(503, "kubernetes");
  }
  return text(404, "404 page not found\n");
}

}  // namespace tiphys::dns
