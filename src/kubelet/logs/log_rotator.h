// LogRotator: looks at the size of running containers' logs every containerLogMonitorInterval, and
// rotates those of containerLogMaxSize and more.
//
// Loop thread only; files are looked at and packed on the pool, containerLogMaxWorkers at a time.
// Everything it references outlives it.
#pragma once
#include <deque>
#include <memory>
#include <string>

#include "async/gate.h"
#include "kubelet/pods/pod_manager.h"

namespace tiphys::kubelet {

class LogRotator {
 public:
  LogRotator(NodeServices& node, const PodManager& pods)
      : node_(node), pods_(pods), gate_(node.loop) {}
  void start();
  Task<void> stop();

 private:
  struct Log {
    std::string container;  // its id
    std::string path;
  };
  using Logs = std::deque<Log>;
  Task<void> run();
  Task<void> rotate_all();
  Task<void> work(std::shared_ptr<Logs> queue);
  Task<void> rotate(Log log);
  Logs running_logs() const;

  NodeServices& node_;
  const PodManager& pods_;
  Gate gate_;
  StopSource stop_;
};

}  // namespace tiphys::kubelet
