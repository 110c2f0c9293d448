// PlaneSync: brings a plane's rules into the kernel and looks whether they still stand, on the
// pool; counts both, under upstream's names. Loop thread only.
#pragma once
#include "async/epoll_loop.h"
#include "async/pool.h"
#include "proxy/plane.h"
#include "proxy/proxy_metrics.h"

namespace tiphys::proxy {

class PlaneSync {
 public:
  // Transactions applied so far, and those that made a whole table.
  struct Counters {
    int64_t transactions = 0;
    int64_t full = 0;
    int64_t failures = 0;
    int64_t repairs = 0;
    int64_t audits = 0;  // closer looks, because somebody changed some rules
    int64_t bytes = 0;   // of rules' text
  };
  using TellRepair = std::function<void(const std::string& what)>;
  // All outlive it. tell_of_repair: rules have to be made anew, and why.
  PlaneSync(EpollLoop& loop, WorkerPool& pool, ProxyMetrics& metrics, Mode mode,
            TellRepair tell_of_repair)
      : loop_(loop),
        pool_(pool),
        metrics_(metrics),
        mode_(mode),
        tell_of_repair_(std::move(tell_of_repair)) {}

  // One transaction of what changed, or of everything if the last one failed. False: it failed.
  // plane and node outlive the task, and nothing else happens to the plane.
  Task<bool> apply(Plane* plane, const NodeFacts* node);
  // Looks whether somebody else was at the rules; if so, the next apply() makes them anew.
  Task<void> check(Plane* plane, const NodeFacts* node);
  const Counters& counters() const { return counters_; }

 private:
  Task<bool> is_bare(Plane* plane);
  Task<Result<std::string>> audit(Plane* plane, const NodeFacts* node);
  void note_success(const Plane& plane, const PlaneOutcome& outcome, bool full, MonoTime start);
  void note_rules(const Plane& plane, const std::vector<Backend::RuleCount>& rules);
  void note_triggers(const Plane& plane, const std::vector<MicroTime>& triggers);
  void note_failure(const Plane& plane, bool full, const ApiStatus& why);

  EpollLoop& loop_;
  WorkerPool& pool_;
  ProxyMetrics& metrics_;
  Mode mode_;
  TellRepair tell_of_repair_;
  Counters counters_;
};

}  // namespace tiphys::proxy
