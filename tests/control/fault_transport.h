// FaultPlan: what goes wrong between components and their API server, and what they asked of it.
// FaultTransport: a Transport to which that happens: it counts requests, notes the writes that pass
// it, fails what it is told to and makes watches lag. For tests only; loop thread only.
#pragma once
#include <re2/re2.h>

#include <memory>
#include <string>
#include <vector>

#include "async/loop.h"
#include "client/transport.h"

namespace tiphys::control {

class FaultPlan {
 public:
  explicit FaultPlan(Loop& loop) : loop_(loop) {}

  struct Fault {
    std::shared_ptr<re2::RE2> requests;  // "PUT /api/v1/..." that it is found in
    int code = 500;
    bool lost = false;  // done all the same; only the answer says so
    int64_t times = 1;  // how many requests
    MonoTime until{INT64_MAX};
  };
  void add(Fault fault) { faults_.push_back(std::move(fault)); }
  // Watches whose path this is found in tell nothing before `until`; then everything at once.
  void stall(std::shared_ptr<re2::RE2> paths, MonoTime until) {
    stalls_.push_back({std::move(paths), until});
  }
  // "PUT /path" of every write so far, oldest first; those of Leases aside.
  const std::vector<std::string>& writes() const { return writes_; }
  // Every request so far, those of Leases aside.
  size_t requests() const { return requests_; }

  // For transports: the fault that a request runs into, or null; valid until the next call.
  const Fault* hit(const client::Request& request);
  void note(const client::Request& request);
  MonoTime stalled_until(const std::string& path) const;
  Loop& loop() { return loop_; }

 private:
  struct Stall {
    std::shared_ptr<re2::RE2> paths;
    MonoTime until;
  };
  Loop& loop_;
  std::vector<Fault> faults_;
  std::vector<Stall> stalls_;
  std::vector<std::string> writes_;
  size_t requests_ = 0;
};

class FaultTransport : public client::Transport {
 public:
  // Both outlive it and its watches.
  FaultTransport(FaultPlan& plan, client::Transport& inner) : plan_(plan), inner_(inner) {}
  Task<Result<client::Response>> send(client::Request request) override;
  Task<Result<std::unique_ptr<client::WatchStream>>> watch(client::Request request) override;

 private:
  FaultPlan& plan_;
  client::Transport& inner_;
};

}  // namespace tiphys::control
