// VolumeBinder: carries out VolumePlans: writes what they say, and waits until the PV controller
// and provisioners have bound the claims. Loop thread only.
#pragma once
#include <map>
#include <memory>
#include <string>

#include "client/client.h"
#include "scheduler/cluster_view.h"

namespace tiphys::scheduler {

class VolumeBinder {
 public:
  // `cluster` outlives it.
  VolumeBinder(Loop& loop, client::Client& client, ClusterView& cluster);

  // The plan as written. Errors: the API's; a volume that somebody else took is a Conflict. What
  // was written before the error stays: the next decision finds it.
  Task<Result<VolumePlan>> write(VolumePlan plan);
  // Returns when every claim is bound, and the copies that decisions look at know of it. Errors:
  // in upstream's words ("binding volumes: context deadline exceeded"); Stopped if stop was
  // requested.
  Task<Result<void>> wait(PodPtr pod, VolumePlan plan, Duration timeout, StopToken stop);
  size_t waiting() const { return waiting_; }

 private:
  class Watch;
  Task<Result<std::string>> write_volume(std::string volume, std::string claim);
  Task<Result<std::string>> write_claim(std::string claim, std::string node);
  const VolumeIndex& volumes() const { return cluster_.cache().snapshot().volumes(); }

  Loop& loop_;
  client::Client& client_;
  ClusterView& cluster_;
  std::multimap<std::string, Event*> watches_;  // by what they wait for a change of
  size_t waiting_ = 0;
};

}  // namespace tiphys::scheduler
