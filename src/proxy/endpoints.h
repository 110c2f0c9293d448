// Which endpoints a Service port leads to on this node: readiness, termination, traffic policies
// and topology hints, after upstream's CategorizeEndpoints (KEP-1669, 2086, 2433, 3015).
// Pure; thread-safe.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "proxy/model.h"

namespace tiphys::proxy {

struct Target {
  Address address;
  uint16_t port = 0;
  bool operator==(const Target&) const = default;
  auto operator<=>(const Target& other) const {
    auto order = address <=> other.address;
    return order != 0 ? order : port <=> other.port;
  }
};

struct Targets {
  std::vector<Target> cluster;  // for traffic policy Cluster; sorted, unique
  std::vector<Target> local;    // for traffic policy Local; sorted, unique
  // Addresses among them that are on this node, or on nobody knows which: only they can reach
  // themselves through the Service from here. Sorted, unique.
  std::vector<Address> near;
  bool operator==(const Targets&) const = default;
};

// Slices are those of the port's service; addresses of another family and forbidden ones
// (Address::is_forbidden_endpoint) are ignored. Equal targets count once.
Targets select_targets(const ServicePort& port, std::span<const SliceFacts> slices,
                       const NodeFacts& node, Family family);

// The forbidden addresses in the slices, for the user to be told. Sorted, unique.
std::vector<Address> refused_endpoints(std::span<const SliceFacts> slices);

// How many addresses of a family are ready on this node: for health check node ports.
int local_ready_endpoints(std::span<const SliceFacts> slices, const NodeFacts& node, Family family);

}  // namespace tiphys::proxy
