// KubeletConnections: the API server's clients of kubelets, one pooled client an address.
// Loop thread only.
#pragma once
#include <map>
#include <memory>
#include <string>

#include "apiserver/handlers/handler_env.h"
#include "crypto/tls.h"
#include "net/client.h"

namespace tiphys {

class KubeletConnections {
 public:
  KubeletConnections(EpollLoop& loop, std::shared_ptr<crypto::ClientTls> tls)
      : loop_(loop), tls_(std::move(tls)) {}
  // New connections use the new certificate.
  void replace(crypto::ClientTls::Options options);
  Task<Result<net::Response>> send(apiserver::KubeletRequest request, StopToken stop);
  Task<void> stop();

 private:
  net::Client& client_of(const std::string& address);

  EpollLoop& loop_;
  std::shared_ptr<crypto::ClientTls> tls_;
  std::map<std::string, std::unique_ptr<net::Client>> clients_;
};

}  // namespace tiphys
