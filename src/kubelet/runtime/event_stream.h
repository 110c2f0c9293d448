// EventStream: containerd's own events (containerd.services.events.v1), so that the end of a
// container is known at once and nothing needs to be polled. CRI's GetContainerEvents isn't there
// before containerd 1.7.
//
// Loop thread only. Reconnects with back-off; live() tells whether events arrive just now.
#pragma once
#include <functional>
#include <string>

#include "async/gate.h"
#include "net/grpc.h"

namespace tiphys::kubelet {

class EventStream {
 public:
  EventStream(EpollLoop& loop, std::string socket);
  // Called with the id of a container whose main process ended.
  void start(std::function<void(const std::string& container_id)> on_exit);
  Task<void> stop();
  bool live() const;

 private:
  Task<void> run();
  Task<void> read_events();
  void handle(const std::string& message);

  EpollLoop& loop_;
  net::GrpcChannel channel_;
  Gate gate_;
  StopSource stop_;
  MonoTime asked_at_{0};  // when the subscription in progress was asked for
  std::function<void(const std::string&)> on_exit_;
};

}  // namespace tiphys::kubelet
