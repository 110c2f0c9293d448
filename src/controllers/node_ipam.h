// NodeIpam: gives each node a pod range of each of the cluster's (spec.podCIDRs; the first is
// spec.podCIDR). Upstream: pkg/controller/nodeipam (range allocator; events CIDRNotAvailable).
//
// Ranges of nodes that are odd (outside the cluster's ranges, malformed) are left alone: they take
// nothing from the pools and cause no writes.
#pragma once
#include "controllers/controller.h"
#include "controllers/range_pool.h"

namespace tiphys::controllers {

class NodeIpam : public Controller {
 public:
  NodeIpam(Context context, std::vector<RangePool> pools);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override;
  void decided(const std::string& key, const Decision& decision) override { tell_pools(); }
  void ready() override;

 private:
  void take(const Object& node);
  // One range of each pool; empty: one of the pools has none left, and nothing was taken.
  std::vector<std::string> ranges_for(const std::string& node);
  void tell_pools();

  std::vector<RangePool> pools_;
  std::vector<size_t> told_;  // ranges taken, as the metrics know; by pool
  client::Informer& nodes_;
};

}  // namespace tiphys::controllers
