// ServiceHealth: an HTTP server for each healthCheckNodePort, where load balancers ask whether
// this node has endpoints of the Service (externalTrafficPolicy: Local). Body, headers and codes
// are upstream's (pkg/proxy/healthcheck). Loop thread only.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "async/gate.h"
#include "net/server.h"

namespace tiphys::proxy {

// What a load balancer is told: 200 if there are local endpoints and the proxy is well, else 503.
net::Response service_health_answer(const std::string& service, int local_endpoints, bool healthy);

class ServiceHealth {
 public:
  // healthy: is the proxy itself well?
  ServiceHealth(EpollLoop& loop, std::function<bool()> healthy);
  ~ServiceHealth();  // Requires: stop() finished, or nothing was opened
  // What to listen on from now on; empty: all of the node.
  void listen_on(std::vector<std::string> addresses) { addresses_ = std::move(addresses); }
  // port 0: closes. Error: the port can't be had; the next set() tries again.
  Result<void> set(const std::string& service, uint16_t port, int local_endpoints);
  Task<void> stop();

 private:
  struct Instance;
  Result<void> open(const std::string& service, Instance& instance);
  Task<net::Response> answer(std::string service);
  static Task<void> end(std::unique_ptr<Instance> instance);
  void close(std::unique_ptr<Instance> instance);

  EpollLoop& loop_;
  std::vector<std::string> addresses_;
  std::function<bool()> healthy_;
  std::map<std::string, std::unique_ptr<Instance>> instances_;
  Gate gate_;
};

}  // namespace tiphys::proxy
