// RouteKeeper: keeps this node's routes to the other nodes' pods (routes.h) as the Nodes of the API
// want them, for each family of the cluster's ranges: on each change of a Node, of a ServiceCIDR or
// of the kernel's routing, and by a look from time to time.
// What is refused is told by an event about that Node, once as long as the reason stays.
//
// Loop thread only; the kernel is asked on the pool. An API that is away changes nothing: routes
// stay as they are until the Nodes are known. stop() leaves the routes, as pods are left.
#pragma once
#include <functional>
#include <map>
#include <string>

#include "async/epoll_loop.h"
#include "async/gate.h"
#include "async/pool.h"
#include "client/event_recorder.h"
#include "client/informer.h"
#include "kubelet/network/routes.h"
#include "kubelet/options.h"

namespace tiphys::kubelet {

class RouteKeeper {
 public:
  RouteKeeper(EpollLoop& loop, WorkerPool& pool, client::Client& client, Random& random,
              client::EventRecorder& events, const Options& options);
  ~RouteKeeper();  // Requires: stop() finished, or never started
  // Told the MTU that pods may have, whenever it is another one than before.
  void on_pod_mtu(std::function<void(int)> callback) { mtu_changed_ = std::move(callback); }
  void start();
  Task<void> stop();

 private:
  Task<void> run();
  Task<void> pass();
  RouteInput input(os::Family family) const;
  void watch_kernel();
  static void tell_routes(const RoutePlan& plan);
  void tell_refused(std::map<std::string, std::string> refused);
  void tell_own(bool present);

  EpollLoop& loop_;
  WorkerPool& pool_;
  client::InformerFactory informers_;
  client::Informer& nodes_;
  client::Informer& service_cidrs_;  // not waited for: who may not read them goes without
  client::EventRecorder& events_;
  const Options& options_;
  Gate gate_;
  StopSource stop_;
  Event wake_;
  os::Fd kernel_;
  std::map<std::string, std::string> refused_;
  std::function<void(int)> mtu_changed_;
  int pod_mtu_ = 0;
  bool present_ = false;  // this node has a pod range in the API
  std::string failure_;   // of the last pass; "": none
};

// Carries a plan out, devices first and alone (plan again then). Blocks. What can't be done is the
// error; the rest is done all the same.
Result<void> apply_plan(const RoutePlan& plan);
// Removes all that a node of this data folder ever made. Blocks.
Result<void> remove_routes(const Options& options);

}  // namespace tiphys::kubelet
