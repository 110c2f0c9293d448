// One execution of a probe's or hook's action (exec, httpGet, tcpSocket, grpc, sleep). Loop thread;
// bounded by the time limit. What a container answers is read up to kMaxHandlerOutput.
#pragma once
#include <string>

#include "async/epoll_loop.h"
#include "async/pool.h"
#include "kinds/core_v1.h"
#include "kubelet/metrics/kubelet_metrics.h"
#include "kubelet/runtime/runtime.h"

namespace tiphys::kubelet {

inline constexpr size_t kMaxHandlerOutput = 10 * 1024;
inline constexpr int kMaxRedirects = 10;

struct HandlerTarget {
  std::string container_id;
  std::string pod_ip;  // "": no network of its own yet
  ObjectPtr pod;       // keeps `container` alive
  core_v1::Container container;
};

struct HandlerHost {
  EpollLoop& loop;
  WorkerPool& pool;
  Runtime& runtime;
  KubeletMetrics* metrics = nullptr;  // null: probes are not counted
};

enum class HandlerOutcome : uint8_t {
  kSuccess,
  kWarning,  // good enough: a redirect to another host
  kFailure,
  kError  // the action itself could not be carried out
};
struct HandlerResult {
  HandlerOutcome outcome = HandlerOutcome::kSuccess;
  std::string output;  // why it failed, as upstream's events word it
  bool ok() const { return outcome <= HandlerOutcome::kWarning; }
};

Task<HandlerResult> run_probe_action(HandlerHost host, HandlerTarget target, core_v1::Probe probe,
                                     StopToken stop);
// The output of a failure is the message of PostStartHookError. A hook's request is good whatever
// the status of its answer, as upstream.
Task<HandlerResult> run_hook(HandlerHost host, HandlerTarget target, core_v1::LifecycleHandler hook,
                             Duration timeout, StopToken stop);

// A port by number or by the container's port name. Errors in upstream's words:
// 'strconv.Atoi: parsing "http": invalid syntax', "invalid port number: 70000".
Result<uint16_t> resolve_port(core_v1::Container container, const Value& port);

}  // namespace tiphys::kubelet
