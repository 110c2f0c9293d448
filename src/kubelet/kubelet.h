// Kubelet: the node agent. Runs the pods that the API assigns to this node on a container runtime.
//
// Loop thread only. Everything it references outlives it. start() returns at once; the node becomes
// Ready by itself. stop() leaves containers running, as upstream's does; the next start adopts
// them. purge() is for a stopped node: it removes everything that this data folder's node ever
// made.
#pragma once
#include <memory>

#include "async/epoll_loop.h"
#include "async/pool.h"
#include "base/random.h"
#include "client/client.h"
#include "kubelet/options.h"

namespace tiphys::kubelet {

class Kubelet {
 public:
  Kubelet(EpollLoop& loop, WorkerPool& pool, client::Client& client, Random& random,
          Options options);
  ~Kubelet();  // Requires: stop() finished, or never started
  // Errors: the server's port is taken, a certificate can't be read, folders can't be made.
  Result<void> start();
  Task<void> stop();
  // The port that the server listens on.
  uint16_t port() const;
  // What else the process counts, for /metrics; not called once stop() finished.
  void add_metrics(std::function<std::string()> text);
  // A renewed serving certificate.
  Result<void> replace_serving_certificate(std::string certificate_pem, std::string key_pem);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Removes containers, sandboxes, mounts, network, cgroups and state folders of a stopped node, and
// ends its containerd. Blocks. What can't be removed is the error; the rest is removed all the
// same. Only options.data_dir, bridge_name, cgroup_root and the folders are used.
Result<void> purge(Options options);

}  // namespace tiphys::kubelet
