#include "controllers/endpoint_slices.h"

#include <algorithm>

#include "client/object_key.h"

namespace tiphys::controllers {

namespace {

constexpr size_t kMaxNameBytes = 253;

}  // namespace

ServicePorts ports_of(const discovery_v1::EndpointSlice& slice) {
  ServicePorts ports;
  for (discovery_v1::EndpointPort port : slice.ports()) {
    ports.push_back({std::string(port.name()), std::string(port.protocol()),
                     std::string(port.app_protocol()), port.port()});
  }
  std::ranges::sort(ports);
  return ports;
}

void put_ports(discovery_v1::EndpointSliceEdit slice, const ServicePorts& ports) {
  slice.clear_ports();
  for (const ServicePort& port : ports) {
    discovery_v1::EndpointPortEdit to = slice.edit_ports().append();
    to.set_name(port.name);
    to.set_protocol(port.protocol);
    to.set_port(port.port);
    if (!port.app_protocol.empty()) to.set_app_protocol(port.app_protocol);
  }
}

std::vector<std::string> service_of_slice(const Object& slice, std::string_view manager) {
  meta_v1::ObjectMeta meta = client::metadata(slice);
  std::string_view service = meta.labels().find(kSliceServiceName);
  if (service.empty() || meta.labels().find(kSliceManagedBy) != manager) return {};
  return {client::object_key(meta.namespace_(), service)};
}

std::string slice_name_prefix(std::string_view service) {
  return std::string(service) + (service.size() < kMaxNameBytes ? "-" : "");
}

}  // namespace tiphys::controllers
