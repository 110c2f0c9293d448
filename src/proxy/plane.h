// Plane: one address family of the proxy: its backend, and what goes with it: flows that may be
// stale, and Services without endpoints on this node. Loop thread only, but for run_plane_job.
#pragma once
#include <map>
#include <memory>
#include <vector>

#include "base/time.h"
#include "proxy/backend.h"
#include "proxy/stale_flows.h"

namespace tiphys::proxy {

class Plane {
 public:
  // Everything known is forgotten: services have to be set again.
  void reset(std::unique_ptr<Backend> backend);
  Backend& backend() { return *backend_; }
  const Backend& backend() const { return *backend_; }
  Family family() const { return backend_->family(); }
  // Nothing to be made: no rules are there, and none are wanted.
  bool idle() const { return !made && backend_->empty(); }

  // facts null: the service is gone.
  void set(const std::string& service, const ServiceFacts* facts,
           const std::vector<SliceFacts>& slices, const NodeFacts& node);
  // Those whose flows have to be looked at now.
  Fronts take_suspects() { return std::exchange(suspects_, {}); }
  // Services with a Local policy and no endpoint on this node.
  int lacking_internal() const { return lacking_internal_; }
  int lacking_external() const { return lacking_external_; }

  bool searched = false;            // for what an earlier process left, where nothing is wanted
  bool made = false;                // our last transaction succeeded
  std::string seen;                 // what looks tell since everything was made anew
  std::vector<MicroTime> triggers;  // of changes that aren't in the kernel yet

 private:
  struct Known {
    Fronts fronts;
    bool lacks_internal = false;
    bool lacks_external = false;
  };
  void replace(const std::string& service, Known now);

  std::unique_ptr<Backend> backend_;
  std::map<std::string, Known> known_;
  Fronts suspects_;
  int lacking_internal_ = 0;
  int lacking_external_ = 0;
};

// Work for the pool: it owns what it needs. Blocks.
struct PlaneJob {
  std::function<Result<std::string>()> apply;
  Fronts suspects;
  Family family = Family::kIpv4;
};
struct PlaneOutcome {
  Result<std::string> applied;
  int removed_flows = 0;
  Duration conntrack_time{};
};
PlaneOutcome run_plane_job(PlaneJob job);

}  // namespace tiphys::proxy
