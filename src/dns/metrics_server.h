// MetricsServer: /metrics, /health and /ready of the name server over plain HTTP, on the addresses
// that it answers questions on, so that the Service kube-dns has CoreDNS' port 9153. CoreDNS'
// /health and /ready have ports of their own (8080, 8181); here they would be in the way of pods on
// the host's network, so all three stand on one.
//
// Loop thread only. Strangers get 403. Source: https://coredns.io/plugins/metrics, /health, /ready.
#pragma once
#include <functional>
#include <string>

#include "kinds/ip_address.h"
#include "net/server.h"

namespace tiphys::dns {

class MetricsServer {
 public:
  struct Source {
    std::function<std::string()> text;  // in Prometheus' text format
    std::function<bool()> ready;
    std::function<bool(const IpAddress& client)> allowed;
  };
  MetricsServer(EpollLoop& loop, Source source);

  // The address may come later. Error: it is none, or the port is taken.
  Result<void> listen(const std::string& address, uint16_t port);
  uint16_t port() const { return server_.port(); }
  Task<void> stop();

 private:
  net::Response answer(const net::Request& request) const;

  Source source_;
  net::Server server_;
};

}  // namespace tiphys::dns
