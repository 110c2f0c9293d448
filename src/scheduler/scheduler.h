// Scheduler: kube-scheduler. Watches pods without a node, decides, binds.
//
// Decisions are schedule() over the Cache's snapshot, one at a time (a pod that extenders have a
// say about holds up the others while they are asked); binding runs beside them with
// the pod assumed on its node, at most kMaxBindings at once. A pod that fits nowhere gets a
// FailedScheduling event and PodScheduled=False, and waits until the cluster changes in a way that
// may help. Loop thread only.
#pragma once
#include <memory>
#include <string>

#include "base/random.h"
#include "client/client.h"
#include "scheduler/extender_calls.h"
#include "scheduler/queue.h"
#include "scheduler/schedule.h"

namespace tiphys::scheduler {

class Scheduler {
 public:
  static constexpr int kMaxBindings = 256;
  struct Options {
    // Pods that name one of these are ours. Requires: not empty, names differ.
    std::vector<Profile> profiles = {default_profile()};
    SchedulingQueue::Options queue;
    std::vector<Extender> extenders = {};  // ignorable ones last
  };
  Scheduler(Loop& loop, client::Client& client, Random& random, Options options);
  Scheduler(Loop& loop, client::Client& client, Random& random);
  ~Scheduler();  // Requires: never started, or stop() finished

  // Fills the caches, without scheduling yet: for one that waits to lead.
  void warm();
  void start();
  Task<void> stop();
  bool synced() const;  // the caches are full

  struct Counters {
    int64_t scheduled = 0;      // bound
    int64_t unschedulable = 0;  // attempts that found no node
    int64_t errors = 0;         // extenders or bindings that failed
    int64_t preemptions = 0;
  };
  const Counters& counters() const;
  size_t pending() const;
  // Prometheus text (scheduler_metrics.h).
  std::string metrics_text() const;
  // Every plugin's verdict and score for a pod on each node, as of now. NotFound: no such pod.
  Result<std::vector<NodeExplanation>> why(std::string_view ns, std::string_view pod) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tiphys::scheduler
