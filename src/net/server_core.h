// ServerCore: what all connections of one Server share. Loop thread only.
#pragma once
#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "async/epoll_loop.h"
#include "async/gate.h"
#include "net/byte_stream.h"
#include "net/output.h"
#include "net/server.h"

namespace tiphys::net {

class ServerConnection;

inline constexpr size_t kReadBytes = 64 * 1024;
// Request bodies and HTTP/2 heads held at one time, over all connections: over it, 503 (heads:
// 431).
inline constexpr size_t kMaxHeldBodyBytes = 512 * 1024 * 1024;

struct ServerCore {
  ServerCore(EpollLoop& l, std::shared_ptr<crypto::ServerTls> t, Handler h, ServerLimits m)
      : loop(l), tls(std::move(t)), handler(std::move(h)), limits(m), gate(l), emptied(l) {}
  EpollLoop& loop;
  std::shared_ptr<crypto::ServerTls> tls;
  Handler handler;
  ServerLimits limits;
  Gate gate;      // every running handler
  Event emptied;  // no connection is left
  BufferPool buffers;
  std::unique_ptr<char[]> scratch = std::make_unique<char[]>(kReadBytes);
  std::unordered_map<ServerConnection*, std::shared_ptr<ServerConnection>> connections;
  std::list<std::weak_ptr<WireStream::State>> upgraded;
  size_t held_body_bytes = 0;
  bool stopping = false;
  MonoTime now{0};  // of the last sweep: coarse, for time-outs

  // The value of a Date header, renewed each second.
  const std::string& date();
  void forget(ServerConnection* connection);
  void add_upgraded(std::weak_ptr<WireStream::State> state);
  // With those that were upgraded.
  size_t open_connections();

 private:
  std::string date_;
  int64_t date_second_ = 0;
};

}  // namespace tiphys::net
