// Endpoint hints: which zones and nodes an endpoint should serve, for proxies that keep traffic
// close: as spec.trafficDistribution asks for, or, with service.kubernetes.io/topology-mode: Auto,
// so that every zone gets endpoints in proportion to the CPUs of its nodes. Pure.
// Sources: https://kubernetes.io/docs/concepts/services-networking/topology-aware-routing/,
// https://kubernetes.io/docs/reference/networking/virtual-ips/#traffic-distribution,
// k8s.io/endpointslice (topologycache, trafficdist).
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "controllers/slice_packing.h"

namespace tiphys::controllers {

// topology-mode (or its older name topology-aware-hints, which goes first) is Auto.
bool wants_topology_hints(const core_v1::Service& service);

// What of a node matters here.
struct NodeCapacity {
  std::string zone;
  int64_t milli_cpu = 0;
  bool counts = false;  // ready, and not of the control plane
  bool operator==(const NodeCapacity&) const = default;
};
NodeCapacity capacity_of(const core_v1::Node& node);

// Each zone's share of the CPUs of all nodes that count. Empty: a node tells no zone or no
// CPU, or there is one zone only.
using ZoneShares = std::map<std::string, double>;
ZoneShares zone_shares(const std::vector<ObjectPtr>& nodes);

// How many endpoints are hinted to each zone.
using ZoneCounts = std::map<std::string, int>;
// A zone has fewer than its share by more than endpoints may be overloaded (20%).
bool is_overloaded(const ZoneCounts& counts, const ZoneShares& shares);

struct TopologyHints {
  ZoneCounts counts;
  std::string problem;  // why there are no hints; "": there are
};
// Slices that change get hints; others only if theirs don't do any more. With a problem none of
// them has any.
TopologyHints put_topology_hints(std::vector<PlannedSlice>& slices, const ZoneShares& shares);

// `distribution`: PreferClose, PreferSameZone or PreferSameNode; anything else: no hints at all.
void put_distribution_hints(std::vector<PlannedSlice>& slices, std::string_view distribution);

}  // namespace tiphys::controllers
