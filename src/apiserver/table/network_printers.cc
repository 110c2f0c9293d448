// Printers of networking, discovery and coordination kinds.
#include "apiserver/table/printers.h"
#include "base/strings.h"
#include "kinds/coordination_v1.h"
#include "kinds/discovery_v1.h"
#include "kinds/networking_v1.h"

namespace tiphys::apiserver {
namespace {

constexpr Column kSlice[] = {kNameColumn, {"AddressType"}, {"Ports"}, {"Endpoints"}, kAgeColumn};

std::string slice_ports(discovery_v1::EndpointSlice slice) {
  if (slice.ports().empty()) return "<unset>";
  std::vector<std::string> ports;
  for (discovery_v1::EndpointPort port : slice.ports()) {
    std::string text = port.has_name() ? std::string(port.name()) : "*";
    ports.push_back(port.has_port() ? std::to_string(port.port()) : text);
  }
  return listed(ports, 3);
}

void print_slice(const Object& object, MicroTime now, Cells& cells) {
  discovery_v1::EndpointSlice item(object);
  std::vector<std::string> addresses;
  for (discovery_v1::Endpoint endpoint : item.endpoints()) {
    for (std::string_view address : endpoint.addresses()) addresses.emplace_back(address);
  }
  cells.text(item.metadata().name());
  cells.text(item.address_type());
  cells.text(slice_ports(item));
  cells.text(addresses.empty() ? "<unset>" : listed(addresses, 3));
  cells.age(item.metadata().creation_timestamp(), now);
}

constexpr Column kIngress[] = {kNameColumn, {"Class"}, {"Hosts"},
                               {"Address"}, {"Ports"}, kAgeColumn};

std::string ingress_hosts(networking_v1::Ingress ingress) {
  constexpr size_t kMost = 3;
  std::vector<std::string> hosts;
  bool more = false;
  for (networking_v1::IngressRule rule : ingress.spec().rules()) {
    more = more || hosts.size() == kMost;
    if (!more && !rule.host().empty()) hosts.emplace_back(rule.host());
  }
  if (hosts.empty()) return "*";
  std::string text = join(hosts, ",");
  size_t rules = ingress.spec().rules().size();
  return more ? text + " + " + std::to_string(rules - kMost) + " more..." : text;
}

std::string ingress_address(networking_v1::Ingress ingress) {
  std::set<std::string> addresses;
  for (networking_v1::IngressLoadBalancerIngress at : ingress.status().load_balancer().ingress()) {
    addresses.emplace(at.ip().empty() ? at.hostname() : at.ip());
  }
  addresses.erase("");
  return join({addresses.begin(), addresses.end()}, ",");
}

void print_ingress(const Object& object, MicroTime now, Cells& cells) {
  networking_v1::Ingress item(object);
  cells.text(item.metadata().name());
  cells.text(or_none(item.spec().ingress_class_name()));
  cells.text(ingress_hosts(item));
  cells.text(ingress_address(item));
  cells.text(item.spec().tls().empty() ? "80" : "80, 443");
  cells.age(item.metadata().creation_timestamp(), now);
}

constexpr Column kIngressClass[] = {kNameColumn, {"Controller"}, {"Parameters"}, kAgeColumn};

void print_ingress_class(const Object& object, MicroTime now, Cells& cells) {
  networking_v1::IngressClass item(object);
  auto parameters = item.spec().parameters();
  std::string text = "<none>";
  if (item.spec().has_parameters()) {
    text = parameters.kind();
    if (!parameters.api_group().empty()) text += "." + std::string(parameters.api_group());
    text += "/" + std::string(parameters.name());
  }
  cells.text(item.metadata().name());
  cells.text(item.spec().controller());
  cells.text(text);
  cells.age(item.metadata().creation_timestamp(), now);
}

constexpr Column kNetworkPolicy[] = {kNameColumn, {"Pod-Selector"}, kAgeColumn};

void print_network_policy(const Object& object, MicroTime now, Cells& cells) {
  networking_v1::NetworkPolicy item(object);
  cells.text(item.metadata().name());
  cells.text(format_selector(item.spec().pod_selector()));
  cells.age(item.metadata().creation_timestamp(), now);
}

constexpr Column kLease[] = {kNameColumn, {"Holder"}, kAgeColumn};

void print_lease(const Object& object, MicroTime now, Cells& cells) {
  coordination_v1::Lease item(object);
  cells.text(item.metadata().name());
  cells.text(item.spec().holder_identity());
  cells.age(item.metadata().creation_timestamp(), now);
}

constexpr Column kServiceCidr[] = {kNameColumn, {"CIDRs"}, kAgeColumn};

void print_service_cidr(const Object& object, MicroTime now, Cells& cells) {
  networking_v1::ServiceCIDR item(object);
  std::vector<std::string> ranges;
  for (std::string_view range : item.spec().cidrs()) ranges.emplace_back(range);
  cells.text(item.metadata().name());
  cells.text(join(ranges, ","));
  cells.age(item.metadata().creation_timestamp(), now);
}

constexpr Column kIpAddress[] = {kNameColumn, {"ParentRef"}, kAgeColumn};

void print_orphan_address(networking_v1::IPAddress item, MicroTime now, Cells& cells) {
  cells.text(item.metadata().name());
  cells.text("<none>");
  cells.age(item.metadata().creation_timestamp(), now);
}

void print_ip_address(const Object& object, MicroTime now, Cells& cells) {
  networking_v1::IPAddress item(object);
  auto parent = item.spec().parent_ref();
  if (!item.spec().has_parent_ref()) return print_orphan_address(item, now, cells);
  std::string text(parent.resource());
  if (!parent.group().empty()) text += "." + std::string(parent.group());
  text += "/";
  if (!parent.namespace_().empty()) text += std::string(parent.namespace_()) + "/";
  cells.text(item.metadata().name());
  cells.text(to_lower(text) + std::string(parent.name()));
  cells.age(item.metadata().creation_timestamp(), now);
}

}  // namespace

std::span<const PrinterRow> network_printers() {
  static const PrinterRow kRows[] = {
      {&discovery_v1::EndpointSlice::message(), {kSlice, print_slice}},
      {&networking_v1::Ingress::message(), {kIngress, print_ingress}},
      {&networking_v1::IngressClass::message(), {kIngressClass, print_ingress_class}},
      {&networking_v1::NetworkPolicy::message(), {kNetworkPolicy, print_network_policy}},
      {&networking_v1::ServiceCIDR::message(), {kServiceCidr, print_service_cidr}},
      {&networking_v1::IPAddress::message(), {kIpAddress, print_ip_address}},
      {&coordination_v1::Lease::message(), {kLease, print_lease}},
  };
  return kRows;
}

}  // namespace tiphys::apiserver
