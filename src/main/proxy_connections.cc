#include "main/proxy_connections.h"

#include <algorithm>

#include "apiserver/handlers/proxy_target.h"
#include "base/log.h"

namespace tiphys {
void ProxyConnections::replace(crypto::ClientTls::Options options) {
  Result<void> replaced = kubelet_tls_->replace(std::move(options));
  if (!replaced) LOG_ERROR("Kubelet client certificate not replaced", {"err", replaced.error()});
}

std::shared_ptr<net::Client> ProxyConnections::backend_of(const apiserver::ProxyTarget& target,
                                                          const std::string& address) {
  std::string key = (target.tls ? "https://" : "http://") + address;
  auto found = std::ranges::find(backends_, key, &Backend::key);
  if (found != backends_.end()) {
    backends_.splice(backends_.begin(), backends_, found);
    return backends_.front().client;
  }
  // Calls in progress keep a client that is dropped here alive.
  if (backends_.size() >= kMaxBackendClients) backends_.pop_back();
  net::ClientOptions options{
      .address = address, .tls = target.tls ? backend_tls_ : nullptr, .http2 = false};
  backends_.push_front({key, std::make_shared<net::Client>(loop_, std::move(options))});
  return backends_.front().client;
}

std::shared_ptr<net::Client> ProxyConnections::client_of(const apiserver::ProxyTarget& target) {
  std::string address = apiserver::address_text(target);
  if (!target.kubelet) return backend_of(target, address);
  std::shared_ptr<net::Client>& client = kubelets_[address];
  if (!client) {
    client = std::make_shared<net::Client>(
        loop_, net::ClientOptions{.address = address, .tls = kubelet_tls_});
  }
  return client;
}

Task<Result<apiserver::ProxyAnswer>> ProxyConnections::send(apiserver::ProxyRequest request,
                                                            StopToken stop) {
  std::shared_ptr<net::Client> client = client_of(request.target);
  apiserver::ProxyAnswer answer;
  if (request.upgrade) {
    Result<net::Client::Upgraded> upgraded =
        co_await client->upgrade(std::move(request.request), stop);
    if (!upgraded) co_return upgraded.error();
    answer.response = std::move(upgraded->response);
    answer.stream = std::move(upgraded->stream);
    co_return answer;
  }
  Result<net::Response> response = co_await client->send(std::move(request.request), true, stop);
  if (!response) co_return response.error();
  answer.response = std::move(*response);
  co_return answer;
}

Task<void> ProxyConnections::stop() {
  for (auto& [address, client] : kubelets_) co_await client->stop();
  for (Backend& backend : backends_) co_await backend.client->stop();
}

}  // namespace tiphys
