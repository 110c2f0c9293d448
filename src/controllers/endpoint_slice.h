// The EndpointSlice controller: a Service's pods in slices (slice_packing.h), with hints for
// proxies (endpoint_hints.h). Source:
// https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/ and upstream's
// k8s.io/endpointslice. Slices of a Service that loses its selector stay, as upstream's do.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controllers/controller.h"
#include "controllers/endpoint_hints.h"
#include "controllers/slice_counts.h"
#include "controllers/trigger_times.h"

namespace tiphys::controllers {

// Who manages its slices.
inline constexpr std::string_view kSliceController = "endpointslice-controller.k8s.io";
inline constexpr int64_t kDefaultEndpointsPerSlice = 100;
inline constexpr int64_t kMaxEndpointsPerSlice = 1000;  // that may be asked for

// The zone counts of a Service's topology hints, by address type.
using HintCounts = std::map<std::string, ZoneCounts, std::less<>>;

struct SliceWorld {
  ObjectPtr service;
  std::vector<ObjectPtr> pods;    // that the Service selects
  std::vector<ObjectPtr> slices;  // of the Service, managed by this controller
  std::function<ObjectPtr(std::string_view name)> node;
  ZoneShares zones;  // of the cluster; only for a Service with topology hints
  HintCounts hints;  // what the last look came to
  size_t limit = kDefaultEndpointsPerSlice;
  std::optional<MicroTime> trigger;  // when that happened which led to this look
};
struct SlicePlan {
  Decision decision;
  // What there is to tell besides failures, at every look for as long as it holds.
  std::vector<Note> notes;
  HintCounts hints;
};
// What makes the slices right: creations, then updates, then deletions. Pure.
SlicePlan plan_slices(const SliceWorld& world);

class EndpointSliceController : public Controller {
 public:
  struct Options {
    int64_t max_endpoints_per_slice = kDefaultEndpointsPerSlice;  // --max-endpoints-per-slice
    Duration batch_period{};  // --endpointslice-updates-batch-period: how long pods' changes wait
  };
  EndpointSliceController(Context context, Options options);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override;
  void decided(const std::string& key, const Decision& decision) override;
  void outcome(const std::string& key, const Action& action, const ApiStatus* error) override;
  void round_over(const std::string& key, Duration took, const ApiStatus* error) override;

 private:
  void slice_changed(const Object& slice);
  void node_changed(const ObjectPtr& old, const ObjectPtr& now);
  void forget(const std::string& key);
  void count_distribution(const std::string& key, const std::string& now);
  SliceWorld world_of(const std::string& key, ObjectPtr service);
  // Adds what was not told at the last look.
  void tell(const std::string& key, std::vector<Note> notes, Decision& decision);

  Options options_;
  client::Informer& services_;
  client::Informer& pods_;
  client::Informer& slices_;
  client::Informer& nodes_;
  // By key of the Service.
  TriggerTimes triggers_;
  std::map<std::string, HintCounts, std::less<>> hints_;
  std::map<std::string, std::vector<std::string>, std::less<>> told_;
  SliceTotals totals_;
  std::map<std::string, std::string> distributions_;  // as the metrics tell them
};

}  // namespace tiphys::controllers
