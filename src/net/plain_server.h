// PlainServer: a component's server beside its main one, without TLS (the kubelet's :10248,
// kube-proxy's :10256). A port that is taken doesn't fail the component: it is tried again, as
// upstream does.
//
// Loop thread only.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "async/gate.h"
#include "net/server.h"

namespace tiphys::net {

class PlainServer {
 public:
  static constexpr Duration kRetry = std::chrono::seconds(5);
  using Tell = std::function<void(const ApiStatus& why)>;
  // name: what the log calls it. tell: hears once why the port can't be had, and again only of
  // another reason; null: the log alone. Handler and tell outlive it.
  PlainServer(EpollLoop& loop, std::string name, Handler handler, Tell tell = nullptr,
              Duration retry = kRetry);
  ~PlainServer();  // Requires: stop() finished, or never started
  void start(std::string address, uint16_t port);
  Task<void> stop();

 private:
  Task<void> run(std::string address, uint16_t port);
  void tell_of(const ApiStatus& why);

  EpollLoop& loop_;
  std::string name_;
  Handler handler_;
  Tell tell_;
  Duration retry_;
  std::string told_;
  std::unique_ptr<Server> server_;
  Gate gate_;
  StopSource stop_;
};

}  // namespace tiphys::net
