// LeaseLock: leader election by a coordination.k8s.io Lease, after client-go's leaderelection
// (15 s lease, 10 s renew deadline, 2 s retry).
#pragma once
#include <functional>
#include <string>

#include "async/gate.h"
#include "client/client.h"

namespace tiphys::client {

class LeaseLock {
 public:
  struct Options {
    std::string ns = "kube-system";
    std::string name;
    std::string identity;
    Duration lease_duration = std::chrono::seconds(15);
    Duration renew_deadline = std::chrono::seconds(10);
    Duration retry_period = std::chrono::seconds(2);
  };
  LeaseLock(Loop& loop, Client& client, Options options);
  // Returns true when the lease is held; then renews in the background until release() or loss.
  Task<bool> acquire(StopToken stop);
  // Called once if the lease is lost after acquire().
  void on_lost(std::function<void()> callback);
  Task<void> release();

 private:
  Loop& loop_;
  Client& client_;
  Options options_;
  Gate gate_;
  StopSource stop_;
  std::function<void()> lost_;
};

}  // namespace tiphys::client
