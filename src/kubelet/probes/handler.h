// run_handler: one execution of a probe's or hook's action (exec, httpGet, tcpSocket, grpc, sleep).
// Loop thread; bounded by the time limit.
#pragma once
#include <string>

#include "async/epoll_loop.h"
#include "async/pool.h"
#include "kinds/core_v1.h"
#include "kubelet/runtime/runtime.h"

namespace tiphys::kubelet {

struct HandlerTarget {
  std::string container_id;
  std::string pod_ip;  // "": no network of its own yet
  ObjectPtr pod;       // keeps `container` alive
  core_v1::Container container;
  std::string user_agent = "kube-probe/1.35";
};

struct HandlerHost {
  EpollLoop& loop;
  WorkerPool& pool;
  Runtime& runtime;
};

struct HandlerResult {
  bool ok = false;
  std::string output;  // why it failed, as upstream's events word it
};

Task<HandlerResult> run_exec(Runtime& runtime, std::string id, std::vector<std::string> command,
                             int64_t timeout_seconds);
Task<HandlerResult> run_http(HandlerHost node, HandlerTarget target, core_v1::HTTPGetAction action,
                             Duration timeout, StopToken stop);
Task<HandlerResult> run_tcp(HandlerHost node, HandlerTarget target, core_v1::TCPSocketAction action,
                            Duration timeout, StopToken stop);
Task<HandlerResult> run_grpc(HandlerHost node, HandlerTarget target, core_v1::GRPCAction action,
                             Duration timeout, StopToken stop);
Task<HandlerResult> run_probe_action(HandlerHost node, HandlerTarget target, core_v1::Probe probe,
                                     StopToken stop);
Task<HandlerResult> run_hook(HandlerHost node, HandlerTarget target, core_v1::LifecycleHandler hook,
                             Duration timeout, StopToken stop);

// A port by number or by the container's port name; 0: unknown.
uint16_t resolve_port(core_v1::Container container, const Value& port);

}  // namespace tiphys::kubelet
