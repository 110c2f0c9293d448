// ContainerCheckpoints: POST /checkpoint/{namespace}/{pod}/{container}: asks the runtime to write
// a container's state to <root-dir>/checkpoints. A runtime that can't (containerd before 2.0) says
// so: 500, Unimplemented. Source: KEP-2008; upstream's pkg/kubelet/server (checkpoint).
//
// Loop thread only; the folder is made on the pool. What it references outlives it.
#pragma once
#include <string>

#include "async/pool.h"
#include "kubelet/options.h"
#include "kubelet/pods/pod_manager.h"
#include "net/http.h"

namespace tiphys::kubelet {

class ContainerCheckpoints {
 public:
  ContainerCheckpoints(Loop& loop, WorkerPool& pool, Runtime& runtime, const PodManager& pods,
                       const Options& options)
      : loop_(loop), pool_(pool), runtime_(runtime), pods_(pods), options_(options) {}
  Task<net::Response> answer(std::string query, std::string ns, std::string pod,
                             std::string container);

 private:
  Loop& loop_;
  WorkerPool& pool_;
  Runtime& runtime_;
  const PodManager& pods_;
  const Options& options_;
};

}  // namespace tiphys::kubelet
