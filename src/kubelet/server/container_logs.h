// ContainerLogs: /containerLogs/{namespace}/{pod}/{container} of the kubelet's server.
//
// Loop thread only; files are read on the pool. What it references outlives it.
#pragma once
#include <string>

#include "async/pool.h"
#include "kubelet/pods/pod_manager.h"
#include "net/http.h"

namespace tiphys::kubelet {

class ContainerLogs {
 public:
  ContainerLogs(EpollLoop& loop, WorkerPool& pool, Runtime& runtime, const PodManager& pods)
      : loop_(loop), pool_(pool), runtime_(runtime), pods_(pods) {}
  // `query`: the options of a pod's log, as the API has them.
  Task<net::Response> answer(std::string query, std::string ns, std::string pod,
                             std::string container);

 private:
  bool is_running(const std::string& ns, const std::string& pod, const std::string& id) const;

  EpollLoop& loop_;
  WorkerPool& pool_;
  Runtime& runtime_;
  const PodManager& pods_;
};

}  // namespace tiphys::kubelet
