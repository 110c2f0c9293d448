// EndpointSliceMirroring: Endpoints that people write for Services without a selector, as slices,
// which is what proxies read. One slice for each subset and address family, with as many addresses
// as --mirroring-max-endpoints-per-subset lets through. Endpoints with the label
// endpointslice.kubernetes.io/skip-mirror: "true", or of leader elections, are left out. Source:
// https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#endpointslice-mirroring
// and upstream's pkg/controller/endpointslicemirroring.
#pragma once
#include <string>
#include <vector>

#include "controllers/controller.h"
#include "controllers/slice_counts.h"

namespace tiphys::controllers {

inline constexpr int64_t kMaxEndpointsPerSubset = 1000;

class EndpointSliceMirroring : public Controller {
 public:
  struct Options {
    int64_t max_endpoints_per_subset = kMaxEndpointsPerSubset;
    Duration batch_period{};  // --mirroring-endpointslice-updates-batch-period: changes of slices
  };
  EndpointSliceMirroring(Context context, Options options);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override;
  void decided(const std::string& key, const Decision& decision) override;
  void outcome(const std::string& key, const Action& action, const ApiStatus* error) override;
  void round_over(const std::string& key, Duration took, const ApiStatus* error) override;

 private:
  Options options_;
  client::Informer& endpoints_;
  client::Informer& services_;
  client::Informer& slices_;
  SliceTotals totals_;
};

// What makes `slices`, those of this controller for the Endpoints, right, and the events about what
// can't be mirrored. Pure.
Decision mirror_endpoints(const ObjectPtr& endpoints, const std::vector<ObjectPtr>& slices,
                          size_t limit);

}  // namespace tiphys::controllers
