// EventStream: the runtime's events, so that the end of a container is known at once and nothing
// needs to be polled: CRI's GetContainerEvents (KEP-3386) or, from a runtime that doesn't have it
// (containerd before 1.7), containerd's own (containerd.services.events.v1).
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
  using Handler = void (EventStream::*)(const std::string& message);
  // Reads until the stream ends; false: the runtime doesn't have the method.
  Task<bool> read(std::string method, std::string request, Handler handler);
  void handle_cri(const std::string& message);
  void handle_containerd(const std::string& message);

  EpollLoop& loop_;
  net::GrpcChannel channel_;
  Gate gate_;
  StopSource stop_;
  MonoTime asked_at_{0};  // when the subscription in progress was asked for
  std::function<void(const std::string&)> on_exit_;
};

}  // namespace tiphys::kubelet
