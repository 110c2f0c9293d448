#include "controllers/endpoint_hints.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "object/quantity.h"

namespace tiphys::controllers {

namespace {

using discovery_v1::EndpointEdit;

// How much more than its share an endpoint may get.
constexpr double kOverload = 0.2;
constexpr std::string_view kZone = "topology.kubernetes.io/zone";
constexpr std::string_view kExcluded[] = {"node-role.kubernetes.io/control-plane",
                                          "node-role.kubernetes.io/master"};

// What a zone may get.
struct Allocation {
  int minimum = 0;
  int maximum = 0;
  double desired = 0;
};
using Allocations = std::map<std::string, Allocation>;

bool is_ready(const core_v1::Node& node) {
  for (core_v1::NodeCondition condition : node.status().conditions()) {
    if (condition.type() == "Ready") return condition.status() == "True";
  }
  return false;
}

int minimum_of(double share, double endpoints) {
  return static_cast<int>(std::ceil(share * endpoints * (1 / (1 + kOverload))));
}

std::string numbers(size_t endpoints, size_t zones) {
  return " (" + std::to_string(endpoints) + " endpoints, " + std::to_string(zones) + " zones)";
}

// "": there are allocations.
std::string allocate(const ZoneShares& shares, size_t endpoints, Allocations& allocations) {
  if (shares.empty()) {
    return "Insufficient Node information: allocatable CPU or zone not specified on one or more "
           "nodes";
  }
  if (shares.size() > endpoints) {
    return "Insufficient number of endpoints" + numbers(endpoints, shares.size());
  }
  int left = static_cast<int>(endpoints);
  for (const auto& [zone, share] : shares) {
    double desired = share * static_cast<double>(endpoints);
    int minimum = minimum_of(share, static_cast<double>(endpoints));
    allocations[zone] = {minimum, 0, std::max(desired, static_cast<double>(minimum))};
    left -= minimum;
  }
  if (left < 0) {
    return "Unable to allocate minimum required endpoints to each zone without exceeding overload "
           "threshold" +
           numbers(endpoints, shares.size());
  }
  for (auto& [zone, allocation] : allocations) allocation.maximum = allocation.minimum + left;
  return "";
}

bool is_ready(const EndpointEdit& endpoint) { return endpoint.view().conditions().ready(); }

void hint_zone(EndpointEdit endpoint, std::string_view zone) {
  endpoint.clear_hints();
  endpoint.edit_hints().edit_for_zones().append().set_name(zone);
}

// The hints that a slice without changes has; nothing: they don't do as they are.
std::optional<ZoneCounts> usable_hints(const PlannedSlice& slice, const ZoneCounts& before,
                                       const Allocations& allocations) {
  ZoneCounts counts;
  for (const EndpointEdit& endpoint : slice.endpoints) {
    if (!is_ready(endpoint)) continue;
    auto zones = endpoint.view().hints().for_zones();
    if (zones.empty()) return std::nullopt;
    for (discovery_v1::ForZone zone : zones) ++counts[std::string(zone.name())];
  }
  for (const auto& [zone, count] : counts) {
    auto allocation = allocations.find(zone);
    if (allocation == allocations.end()) return std::nullopt;
    auto taken = before.find(zone);
    int total = count + (taken == before.end() ? 0 : taken->second);
    if (total > allocation->second.maximum) return std::nullopt;
  }
  return counts;
}

using Amounts = std::map<std::string, double>;

Amounts::iterator most_of(Amounts& amounts) {
  return std::ranges::max_element(amounts, {}, [](const auto& entry) { return entry.second; });
}

struct Exchange {
  ZoneCounts giving;
  ZoneCounts receiving;
};

// How many endpoints zones with too many give to zones with too few. The last fraction is only
// worth an exchange if it is one for either side.
Exchange plan_exchange(const Allocations& allocations, const ZoneCounts& counts) {
  Amounts surplus;
  Amounts lack;
  for (const auto& [zone, allocation] : allocations) {
    auto found = counts.find(zone);
    double difference = (found == counts.end() ? 0.0 : found->second) - allocation.desired;
    if (difference > 0) surplus[zone] = difference;
    if (difference < 0) lack[zone] = -difference;
  }
  Exchange exchange;
  while (!surplus.empty() && !lack.empty()) {
    auto giver = most_of(surplus);
    auto receiver = most_of(lack);
    double less = std::min(giver->second, receiver->second);
    if (less < 0.5 || (giver->second < 1 && receiver->second < 1)) break;
    ++exchange.giving[giver->first];
    --giver->second;
    ++exchange.receiving[receiver->first];
    --receiver->second;
  }
  return exchange;
}

void take_one(ZoneCounts& counts, ZoneCounts::iterator zone) {
  if (--zone->second == 0) counts.erase(zone);
}

// Endpoints of giving zones serve receiving ones instead of their own.
void redistribute(std::vector<PlannedSlice>& slices, Exchange exchange, ZoneCounts& counts) {
  for (PlannedSlice& slice : slices) {
    if (!slice.changed) continue;
    for (EndpointEdit& endpoint : slice.endpoints) {
      if (exchange.giving.empty() || exchange.receiving.empty()) return;
      if (!is_ready(endpoint)) continue;
      auto giver = exchange.giving.find(std::string(endpoint.view().zone()));
      if (giver == exchange.giving.end()) continue;
      auto receiver = exchange.receiving.begin();
      hint_zone(endpoint, receiver->first);
      --counts[giver->first];
      ++counts[receiver->first];
      take_one(exchange.giving, giver);
      take_one(exchange.receiving, receiver);
    }
  }
}

// Every ready endpoint for its own zone. False: one has none.
bool hint_own_zones(PlannedSlice& slice, ZoneCounts& counts) {
  for (EndpointEdit& endpoint : slice.endpoints) {
    endpoint.clear_hints();
    if (!is_ready(endpoint)) continue;
    std::string zone(endpoint.view().zone());
    if (zone.empty()) return false;
    hint_zone(endpoint, zone);
    ++counts[zone];
  }
  return true;
}

TopologyHints without_hints(std::vector<PlannedSlice>& slices, std::string problem) {
  put_distribution_hints(slices, "");
  return {{}, std::move(problem)};
}

size_t ready_endpoints(const std::vector<PlannedSlice>& slices) {
  size_t count = 0;
  for (const PlannedSlice& slice : slices) {
    for (const EndpointEdit& endpoint : slice.endpoints) count += is_ready(endpoint) ? 1 : 0;
  }
  return count;
}

// Which hints an endpoint should have; texts are the endpoint's.
struct CloseHints {
  std::string_view zone;
  std::string_view node;
};

bool has_hints(const discovery_v1::Endpoint& endpoint, const CloseHints& wanted) {
  auto zones = endpoint.hints().for_zones();
  auto nodes = endpoint.hints().for_nodes();
  auto same = [](const auto& list, std::string_view name) {
    return name.empty() ? list.empty() : list.size() == 1 && list[0].name() == name;
  };
  bool none = wanted.zone.empty() && wanted.node.empty();
  return none ? !endpoint.has_hints() : same(zones, wanted.zone) && same(nodes, wanted.node);
}

void put_hints(EndpointEdit endpoint, const CloseHints& wanted) {
  endpoint.clear_hints();
  if (!wanted.zone.empty()) endpoint.edit_hints().edit_for_zones().append().set_name(wanted.zone);
  if (!wanted.node.empty()) endpoint.edit_hints().edit_for_nodes().append().set_name(wanted.node);
}

}  // namespace

bool wants_topology_hints(const core_v1::Service& service) {
  constexpr std::string_view kOlder = "service.kubernetes.io/topology-aware-hints";
  constexpr std::string_view kMode = "service.kubernetes.io/topology-mode";
  auto annotations = service.metadata().annotations();
  std::string_view mode = annotations.find(annotations.contains(kOlder) ? kOlder : kMode);
  return mode == "Auto" || mode == "auto";
}

NodeCapacity capacity_of(const core_v1::Node& node) {
  auto labels = node.metadata().labels();
  bool excluded = std::ranges::any_of(
      kExcluded, [&](std::string_view label) { return labels.contains(label); });
  return {std::string(labels.find(kZone)),
          Quantity::of(node.status().allocatable().find("cpu")).milli_value(),
          !excluded && is_ready(node)};
}

ZoneShares zone_shares(const std::vector<ObjectPtr>& nodes) {
  std::map<std::string, int64_t> cpus;
  int64_t total = 0;
  for (const ObjectPtr& node : nodes) {
    NodeCapacity capacity = capacity_of(core_v1::Node(*node));
    if (!capacity.counts) continue;
    if (capacity.zone.empty() || capacity.milli_cpu <= 0) return {};
    cpus[capacity.zone] += capacity.milli_cpu;
    total += capacity.milli_cpu;
  }
  ZoneShares shares;
  if (cpus.size() < 2) return shares;
  for (const auto& [zone, milli] : cpus) {
    shares[zone] = static_cast<double>(milli) / static_cast<double>(total);
  }
  return shares;
}

bool is_overloaded(const ZoneCounts& counts, const ZoneShares& shares) {
  if (counts.empty()) return false;
  if (shares.empty()) return true;
  double total = 0;
  for (const auto& [zone, count] : counts) total += count;
  return std::ranges::any_of(shares, [&](const auto& entry) {
    auto found = counts.find(entry.first);
    return found == counts.end() || found->second < minimum_of(entry.second, total);
  });
}

TopologyHints put_topology_hints(std::vector<PlannedSlice>& slices, const ZoneShares& shares) {
  Allocations allocations;
  std::string problem = allocate(shares, ready_endpoints(slices), allocations);
  if (!problem.empty()) return without_hints(slices, std::move(problem));
  ZoneCounts counts;
  for (PlannedSlice& slice : slices) {
    if (slice.changed) continue;
    auto usable = usable_hints(slice, counts, allocations);
    slice.changed = !usable;
    if (!usable) continue;
    for (const auto& [zone, count] : *usable) counts[zone] += count;
  }
  for (PlannedSlice& slice : slices) {
    if (slice.changed && !hint_own_zones(slice, counts)) {
      return without_hints(slices, "One or more endpoints do not have a zone specified");
    }
  }
  redistribute(slices, plan_exchange(allocations, counts), counts);
  return {std::move(counts), ""};
}

void put_distribution_hints(std::vector<PlannedSlice>& slices, std::string_view distribution) {
  bool nodes = distribution == "PreferSameNode";
  bool zones = nodes || distribution == "PreferSameZone" || distribution == "PreferClose";
  for (PlannedSlice& slice : slices) {
    for (EndpointEdit& endpoint : slice.endpoints) {
      discovery_v1::Endpoint view = endpoint.view();
      CloseHints wanted;
      if (zones && is_ready(endpoint)) wanted.zone = view.zone();
      if (nodes && is_ready(endpoint)) wanted.node = view.node_name();
      if (has_hints(view, wanted)) continue;
      put_hints(endpoint, wanted);
      slice.changed = true;
    }
  }
}

}  // namespace tiphys::controllers
