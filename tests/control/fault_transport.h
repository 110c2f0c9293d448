// FaultTransport: a Transport that notes the writes that pass it and fails what it is told to. For
// tests only; loop thread only.
#pragma once
#include <re2/re2.h>

#include <memory>
#include <string>
#include <vector>

#include "async/loop.h"
#include "client/transport.h"

namespace tiphys::control {

class FaultTransport : public client::Transport {
 public:
  FaultTransport(const Clock& clock, client::Transport& inner) : clock_(clock), inner_(inner) {}
  Task<Result<client::Response>> send(client::Request request) override;
  Task<Result<std::unique_ptr<client::WatchStream>>> watch(client::Request request) override;

  struct Fault {
    std::shared_ptr<re2::RE2> requests;  // "PUT /api/v1/..." that it is found in
    int code = 500;
    bool lost = false;  // done all the same; only the answer says so
    int64_t times = 1;  // how many requests
    MonoTime until{INT64_MAX};
  };
  void add(Fault fault) { faults_.push_back(std::move(fault)); }
  // "PUT /path" of every write so far, oldest first; those of Leases aside.
  const std::vector<std::string>& writes() const { return writes_; }

 private:
  const Fault* hit(const client::Request& request);

  const Clock& clock_;
  client::Transport& inner_;
  std::vector<Fault> faults_;
  std::vector<std::string> writes_;
};

}  // namespace tiphys::control
