// PlainServer: a server of the kubelet without TLS (:10248, the read-only port). A port that is
// taken doesn't fail the kubelet: it is tried again, as upstream does.
//
// Loop thread only.
#pragma once
#include <memory>
#include <string>

#include "async/gate.h"
#include "net/server.h"

namespace tiphys::kubelet {

class PlainServer {
 public:
  // name: what the log calls it. The handler outlives it.
  PlainServer(EpollLoop& loop, std::string name, net::Handler handler);
  ~PlainServer();  // Requires: stop() finished, or never started
  void start(std::string address, uint16_t port);
  Task<void> stop();

 private:
  Task<void> run(std::string address, uint16_t port);

  EpollLoop& loop_;
  std::string name_;
  net::Handler handler_;
  std::unique_ptr<net::Server> server_;
  Gate gate_;
  StopSource stop_;
};

}  // namespace tiphys::kubelet
