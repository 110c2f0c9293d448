// What the controllers that write EndpointSlices share: labels, ports, and who a slice belongs to.
// Pure. Source: https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "controllers/service_pods.h"
#include "kinds/discovery_v1.h"

namespace tiphys::controllers {

inline constexpr std::string_view kSliceServiceName = "kubernetes.io/service-name";
inline constexpr std::string_view kSliceManagedBy = "endpointslice.kubernetes.io/managed-by";

// The batches of a change of slices: what fails keeps the next from being tried, and an endpoint is
// in its new slice before it leaves the old one.
enum SliceBatch : int { kCreations, kUpdates, kDeletions };

// In one order, whatever the slice has them in: slices are grouped by them.
ServicePorts ports_of(const discovery_v1::EndpointSlice& slice);
// Replaces the ports of a slice.
void put_ports(discovery_v1::EndpointSliceEdit slice, const ServicePorts& ports);

// The key of the Service that a slice of this manager is of: for an index.
std::vector<std::string> service_of_slice(const Object& slice, std::string_view manager);
// What the names of the slices of a Service begin with.
std::string slice_name_prefix(std::string_view service);

}  // namespace tiphys::controllers
