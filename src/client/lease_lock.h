// LeaseLock: leader election by a coordination.k8s.io Lease, after client-go's leaderelection
// (15 s lease, 10 s renew deadline, 2 s retry).
//
// Loop thread only. Clocks of other machines are never compared: a lease is free once its record
// has not changed for its duration as seen from here. Times are the loop's.
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
    // Error: with these times two could hold the lease at once, or nobody could keep it; in
    // client-go's words.
    Result<void> check() const;
  };
  LeaseLock(Loop& loop, Client& client, Options options);  // Requires: check() is content
  // Returns true when the lease is held; then renews in the background until release() or loss.
  // False: stopped first.
  Task<bool> acquire(StopToken stop);
  // Called once if the lease is lost after acquire() (not by release()).
  void on_lost(std::function<void()> callback);
  // Stops renewing and, if the lease is held, gives it up so that another can take it at once.
  // Call it once, before destruction, if acquire() was ever called.
  Task<void> release();
  bool held() const { return held_; }
  const std::string& holder() const { return holder_; }  // as last seen

 private:
  Task<bool> try_once();
  Task<bool> create_lease();
  Task<bool> take_lease(ObjectPtr lease);
  ObjectPtr claimed(const Object* known) const;
  void observe(ObjectPtr lease);
  bool expired() const;
  Task<void> renew();

  Loop& loop_;
  Client& client_;
  Options options_;
  Gate gate_;
  StopSource stop_;
  std::function<void()> lost_;
  ObjectPtr observed_;
  MonoTime observed_at_ = MonoTime::zero();
  std::string holder_;
  bool held_ = false;
};

}  // namespace tiphys::client
