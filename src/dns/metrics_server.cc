#include "dns/metrics_server.h"

#include "net/text_response.h"

namespace tiphys::dns {

namespace {

net::ServerLimits limits() {
  net::ServerLimits out;
  out.max_header_bytes = 16 << 10;
  out.max_body_bytes = 1 << 10;
  out.header_timeout = std::chrono::seconds(10);
  out.body_timeout = std::chrono::seconds(10);
  out.max_connections = 256;
  return out;
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
  if (!client || !source_.allowed(*client)) return net::text_response(403, "forbidden\n");
  if (request.path == "/metrics") return net::text_response(200, source_.text(), net::kMetricsText);
  if (request.path == "/health") return net::text_response(200, "OK");
  // As CoreDNS: who isn't ready is named.
  if (request.path == "/ready") {
    bool ready = source_.ready();
    return net::text_response(ready ? 200 : 503, ready ? "OK" : "kubernetes");
  }
  return net::not_found_response();
}

}  // namespace tiphys::dns
