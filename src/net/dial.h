// dial: opens a connection for a Client: name, connect, TLS handshake. Loop thread; names that
// aren't addresses are resolved on the pool.
#pragma once
#include "async/epoll_loop.h"
#include "async/pool.h"
#include "net/client.h"
#include "net/wire.h"

namespace tiphys::net {

struct DialTarget {
  std::string address;      // as ClientOptions::address
  std::string server_name;  // expected of a TLS peer
  std::shared_ptr<crypto::ClientTls> tls;
  Duration timeout{0};
  bool http1_only = false;  // offer no HTTP/2 in the handshake
};

// Error: ServiceUnavailable "dial tcp 127.0.0.1:6443: connect: connection refused", "... i/o
// timeout", "tls: failed to verify certificate: ...". The wire is not watched.
Task<Result<Wire>> dial(EpollLoop& loop, WorkerPool& pool, DialTarget target, StopToken stop);

}  // namespace tiphys::net
