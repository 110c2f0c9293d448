// ProxyConnections: the API server's clients of what it passes requests on to: one pooled client a
// kubelet, with the API server's client certificate; for pods and endpoints one an address, the
// last used ones, without any identity. Loop thread only.
#pragma once
#include <list>
#include <map>
#include <memory>

#include "apiserver/handlers/handler_env.h"
#include "crypto/tls.h"
#include "net/client.h"

namespace tiphys {

inline constexpr size_t kMaxBackendClients = 32;

class ProxyConnections {
 public:
  // `backend_tls`: for HTTPS to pods; upstream verifies nothing there.
  ProxyConnections(EpollLoop& loop, std::shared_ptr<crypto::ClientTls> kubelet_tls,
                   std::shared_ptr<crypto::ClientTls> backend_tls)
      : loop_(loop), kubelet_tls_(std::move(kubelet_tls)), backend_tls_(std::move(backend_tls)) {}
  // New connections to kubelets use the new certificate.
  void replace(crypto::ClientTls::Options options);
  Task<Result<apiserver::ProxyAnswer>> send(apiserver::ProxyRequest request, StopToken stop);
  Task<void> stop();

 private:
  struct Backend {
    std::string key;
    std::shared_ptr<net::Client> client;
  };
  std::shared_ptr<net::Client> client_of(const apiserver::ProxyTarget& target);
  std::shared_ptr<net::Client> backend_of(const apiserver::ProxyTarget& target,
                                          const std::string& address);

  EpollLoop& loop_;
  std::shared_ptr<crypto::ClientTls> kubelet_tls_;
  std::shared_ptr<crypto::ClientTls> backend_tls_;
  std::map<std::string, std::shared_ptr<net::Client>> kubelets_;
  std::list<Backend> backends_;  // last used first
};

}  // namespace tiphys
