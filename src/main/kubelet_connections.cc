#include "main/kubelet_connections.h"

#include "base/log.h"

namespace tiphys {

void KubeletConnections::replace(crypto::ClientTls::Options options) {
  Result<void> replaced = tls_->replace(std::move(options));
  if (!replaced) LOG_ERROR("Kubelet client certificate not replaced", {"err", replaced.error()});
}

net::Client& KubeletConnections::client_of(const std::string& address) {
  std::unique_ptr<net::Client>& client = clients_[address];
  if (!client) {
    client =
        std::make_unique<net::Client>(loop_, net::ClientOptions{.address = address, .tls = tls_});
  }
  return *client;
}

Task<Result<net::Response>> KubeletConnections::send(apiserver::KubeletRequest request,
                                                     StopToken stop) {
  bool v6 = request.host.find(':') != std::string::npos;
  std::string address =
      (v6 ? "[" + request.host + "]" : request.host) + ":" + std::to_string(request.port);
  return client_of(address).send(std::move(request.request), true, std::move(stop));
}

Task<void> KubeletConnections::stop() {
  for (auto& [address, client] : clients_) co_await client->stop();
}

}  // namespace tiphys
