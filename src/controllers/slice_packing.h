// Slice packing: which endpoint stands in which EndpointSlice of a Service, one address family at
// a time. What is there stays where it is, as few slices as can be are written, and in doubt there
// is another slice rather than another write. Pure. Source: "Distribution of EndpointSlices" in
// https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
#pragma once
#include <compare>
#include <map>
#include <string>
#include <vector>

#include "controllers/endpoint_slices.h"

namespace tiphys::controllers {

// What makes an endpoint the same as another over time.
struct EndpointKey {
  std::string address;
  std::string hostname;
  std::string target_namespace;
  std::string target_name;
  auto operator<=>(const EndpointKey&) const = default;
};
EndpointKey key_of(const discovery_v1::Endpoint& endpoint);

// Without hints. What the editors edit must outlive them.
using EndpointSet = std::map<EndpointKey, discovery_v1::EndpointEdit>;

struct PlannedSlice {
  ObjectPtr object;  // null: a new one
  ServicePorts ports;
  std::vector<discovery_v1::EndpointEdit> endpoints;  // known ones have the hints they had
  bool changed = false;                               // its ports and endpoints, against `object`
};

struct Packing {
  std::vector<PlannedSlice> slices;  // at least one: a Service without pods has an empty one
  std::vector<ObjectPtr> unneeded;
};

// `known`: slices of the family that belong to the Service. No slice is filled beyond `limit`.
Packing pack_endpoints(const std::vector<ObjectPtr>& known,
                       std::map<ServicePorts, EndpointSet> wanted, size_t limit);

}  // namespace tiphys::controllers
