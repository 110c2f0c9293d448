#include "proxy/service_health.h"

#include "client/object_key.h"
#include "net/text_response.h"

namespace tiphys::proxy {
namespace {

constexpr Duration kGrace = std::chrono::milliseconds(100);

}  // namespace

struct ServiceHealth::Instance {
  uint16_t port = 0;
  int local_endpoints = 0;
  std::vector<std::unique_ptr<net::Server>> servers;
};

net::Response service_health_answer(const std::string& service, int local_endpoints, bool healthy) {
  auto [ns, name] = client::split_key(service);
  std::string body = "{\n\t\"service\": {\n\t\t\"namespace\": \"" + std::string(ns) +
                     "\",\n\t\t\"name\": \"" + std::string(name) +
                     "\"\n\t},\n\t\"localEndpoints\": " + std::to_string(local_endpoints) +
                     ",\n\t\"serviceProxyHealthy\": " + (healthy ? "true" : "false") + "\n}";
  int status = local_endpoints != 0 && healthy ? 200 : 503;
  net::Response response = net::text_response(status, std::move(body), "application/json");
  response.headers.set("x-load-balancing-endpoint-weight", std::to_string(local_endpoints));
  return response;
}

ServiceHealth::ServiceHealth(EpollLoop& loop, std::function<bool()> healthy)
    : loop_(loop), healthy_(std::move(healthy)), gate_(loop) {}
ServiceHealth::~ServiceHealth() = default;

Task<net::Response> ServiceHealth::answer(std::string service) {
  auto found = instances_.find(service);
  int count = found == instances_.end() ? 0 : found->second->local_endpoints;
  co_return service_health_answer(service, count, healthy_());
}

Result<void> ServiceHealth::open(const std::string& service, Instance& instance) {
  auto listen = [&](const std::string& address) {
    auto server = std::make_unique<net::Server>(
        loop_, nullptr, [this, service](net::Request) { return answer(service); });
    Result<void> heard = server->listen(address, instance.port);
    if (heard) instance.servers.push_back(std::move(server));
    return heard;
  };
  if (addresses_.empty()) {
    // Both families, or IPv4 alone where there is no other.
    Result<void> heard = listen("::");
    return heard ? heard : listen("0.0.0.0");
  }
  for (const std::string& address : addresses_) {
    Result<void> heard = listen(address);
    if (!heard) return heard;
  }
  return {};
}

Task<void> ServiceHealth::end(std::unique_ptr<Instance> instance) {
  for (std::unique_ptr<net::Server>& server : instance->servers) co_await server->stop(kGrace);
}

void ServiceHealth::close(std::unique_ptr<Instance> instance) {
  gate_.spawn(end(std::move(instance)));
}

Result<void> ServiceHealth::set(const std::string& service, uint16_t port, int local_endpoints) {
  auto found = instances_.find(service);
  if (found != instances_.end() && found->second->port != port) {
    close(std::move(found->second));
    instances_.erase(found);
    found = instances_.end();
  }
  if (port == 0) return {};
  if (found != instances_.end()) {
    found->second->local_endpoints = local_endpoints;
    return {};
  }
  auto instance = std::make_unique<Instance>();
  instance->port = port;
  instance->local_endpoints = local_endpoints;
  Result<void> opened = open(service, *instance);
  if (!opened) {
    close(std::move(instance));
    return opened;
  }
  instances_.emplace(service, std::move(instance));
  return {};
}

Task<void> ServiceHealth::stop() {
  for (auto& [service, instance] : instances_) close(std::move(instance));
  instances_.clear();
  co_await gate_.close();
}

}  // namespace tiphys::proxy
