#include "proxy/plane.h"

#include "base/log.h"
#include "proxy/conntrack_table.h"

namespace tiphys::proxy {

void Plane::reset(std::unique_ptr<Backend> backend) {
  *this = Plane();
  backend_ = std::move(backend);
}

void Plane::set(const std::string& service, const ServiceFacts* facts,
                const std::vector<SliceFacts>& slices, const NodeFacts& node) {
  backend_->set(service, facts, slices, node);
  Known now;
  if (facts != nullptr) {
    std::vector<Targets> targets;
    bool external = !facts->external_ips.empty() || !facts->ingress_ips.empty();
    for (const ServicePort& port : facts->ports) {
      targets.push_back(select_targets(port, slices, node, family()));
      bool lacks = !targets.back().cluster.empty() && targets.back().local.empty();
      now.lacks_internal = now.lacks_internal || (lacks && facts->internal_local);
      now.lacks_external = now.lacks_external ||
                           (lacks && facts->external_local && (external || port.node_port != 0));
    }
    now.fronts = fronts_of(*facts, targets, family());
  }
  replace(service, std::move(now));
}

void Plane::replace(const std::string& service, Known now) {
  Known& before = known_[service];
  add_changed_fronts(before.fronts, now.fronts, suspects_);
  lacking_internal_ += now.lacks_internal - before.lacks_internal;
  lacking_external_ += now.lacks_external - before.lacks_external;
  before = std::move(now);
  if (before.fronts.empty() && !before.lacks_internal && !before.lacks_external) {
    known_.erase(service);
  }
}

PlaneOutcome run_plane_job(PlaneJob job) {
  PlaneOutcome outcome{.applied = job.apply()};
  if (!outcome.applied) return outcome;
  SystemClock clock;
  MonoTime start = clock.mono();
  Result<int> gone = remove_stale_flows(job.suspects, job.family);
  outcome.conntrack_time = clock.mono() - start;
  outcome.removed_flows = gone.value_or(0);
  if (!gone) LOG_WARNING("Stale UDP flows stay", {"err", gone.error()});
  return outcome;
}

}  // namespace tiphys::proxy
