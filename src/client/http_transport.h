// HttpTransport: a Transport to an API server over TLS (HTTP/2 where offered), with the identity of
// a kubeconfig. Bodies are protobuf, answers what the server has of protobuf and JSON; or both are
// JSON (Kubeconfig::json).
//
// Loop thread only; token files are read on the pool, at most once a minute. Requests that the
// server does not answer within a minute fail with Timeout; watches have no limit.
#pragma once
#include <memory>
#include <string>

#include "async/epoll_loop.h"
#include "async/pool.h"
#include "client/kubeconfig.h"
#include "client/transport.h"

namespace tiphys::client {

class HttpTransport : public Transport {
 public:
  // Errors: certificates, keys or the server's address that can't be used.
  static Result<std::unique_ptr<HttpTransport>> create(EpollLoop& loop, WorkerPool& pool,
                                                       Kubeconfig config, std::string user_agent);
  ~HttpTransport() override;
  Task<Result<Response>> send(Request request) override;
  Task<Result<std::unique_ptr<WatchStream>>> watch(Request request) override;
  // The bearer token of requests from now on (of a kubeconfig without tokenFile).
  void set_token(std::string token);
  // The client certificate of connections from now on; those that are open end. On error nothing
  // changes.
  Result<void> set_certificate(std::string certificate_pem, std::string key_pem);
  // Ends every connection. Requires: no request is under way.
  Task<void> stop();

 private:
  struct Impl;
  explicit HttpTransport(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tiphys::client
