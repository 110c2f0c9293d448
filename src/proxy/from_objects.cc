#include "proxy/from_objects.h"

#include <map>

#include "base/strings.h"
#include "client/object_key.h"
#include "kinds/core_v1.h"
#include "kinds/discovery_v1.h"
#include "kinds/metadata.h"
#include "kinds/networking_v1.h"

namespace tiphys::proxy {
namespace {

constexpr std::string_view kProxyNameLabel = "service.kubernetes.io/service-proxy-name";
constexpr std::string_view kServiceNameLabel = "kubernetes.io/service-name";
constexpr std::string_view kZoneLabel = "topology.kubernetes.io/zone";
constexpr std::string_view kTriggerTime = "endpoints.kubernetes.io/last-change-trigger-time";
constexpr std::string_view kToBeDeletedTaint = "ToBeDeletedByClusterAutoscaler";
constexpr int kDefaultAffinitySeconds = 10800;
constexpr int kMaxAffinitySeconds = 86400;

uint16_t port_number(int32_t value) {
  return value > 0 && value <= 65535 ? static_cast<uint16_t>(value) : 0;
}

// "" if the proxy can't carry it.
std::string protocol(std::string_view text) {
  if (text.empty() || text == "TCP") return "tcp";
  if (text == "UDP") return "udp";
  return text == "SCTP" ? "sctp" : "";
}

void add_address(std::vector<Address>& list, std::string_view text) {
  if (std::optional<Address> address = Address::parse(text)) list.push_back(*address);
}

std::vector<ServicePort> service_ports(const core_v1::ServiceSpec& spec) {
  bool node_ports = spec.type() == "NodePort" || spec.type() == "LoadBalancer";
  std::vector<ServicePort> ports;
  for (core_v1::ServicePort port : spec.ports()) {
    ServicePort facts{.name = std::string(port.name()),
                      .protocol = protocol(port.protocol()),
                      .port = port_number(port.port())};
    if (node_ports) facts.node_port = port_number(port.node_port());
    if (facts.port != 0 && !facts.protocol.empty()) ports.push_back(std::move(facts));
  }
  return ports;
}

int affinity_seconds(const core_v1::ServiceSpec& spec) {
  if (spec.session_affinity() != "ClientIP") return 0;
  int seconds = spec.session_affinity_config().client_ip().timeout_seconds();
  return seconds > 0 && seconds <= kMaxAffinitySeconds ? seconds : kDefaultAffinitySeconds;
}

void add_load_balancer(ServiceFacts& facts, const core_v1::Service& service) {
  if (service.spec().type() != "LoadBalancer") return;
  for (core_v1::LoadBalancerIngress ingress : service.status().load_balancer().ingress()) {
    if (ingress.ip_mode() != "Proxy") add_address(facts.ingress_ips, ingress.ip());
  }
  for (std::string_view range : service.spec().load_balancer_source_ranges()) {
    if (std::optional<Cidr> cidr = Cidr::parse(trim(range))) facts.source_ranges.push_back(*cidr);
  }
  facts.health_check_node_port = port_number(service.spec().health_check_node_port());
}

EndpointFacts endpoint_facts(const discovery_v1::Endpoint& endpoint, Address address) {
  discovery_v1::EndpointConditions conditions = endpoint.conditions();
  EndpointFacts facts{.address = std::move(address)};
  facts.ready = !conditions.has_ready() || conditions.ready();
  facts.serving = conditions.has_serving() ? conditions.serving() : facts.ready;
  facts.terminating = conditions.terminating();
  facts.node_name = endpoint.node_name();
  for (discovery_v1::ForZone zone : endpoint.hints().for_zones()) {
    facts.zone_hints.emplace_back(zone.name());
  }
  for (discovery_v1::ForNode node : endpoint.hints().for_nodes()) {
    facts.node_hints.emplace_back(node.name());
  }
  return facts;
}

}  // namespace

std::optional<ServiceFacts> service_facts(const Object& object) {
  core_v1::Service service(object);
  core_v1::ServiceSpec spec = service.spec();
  if (spec.type() == "ExternalName" || spec.cluster_ip() == "None" || spec.cluster_ip().empty()) {
    return std::nullopt;
  }
  if (service.metadata().labels().contains(kProxyNameLabel)) return std::nullopt;
  ServiceFacts facts{.key = client::object_key(object)};
  for (std::string_view ip : spec.cluster_ips()) add_address(facts.cluster_ips, ip);
  if (facts.cluster_ips.empty()) add_address(facts.cluster_ips, spec.cluster_ip());
  facts.ports = service_ports(spec);
  for (std::string_view ip : spec.external_ips()) add_address(facts.external_ips, ip);
  facts.affinity_seconds = affinity_seconds(spec);
  facts.internal_local = spec.internal_traffic_policy() == "Local";
  facts.external_local = spec.external_traffic_policy() == "Local";
  add_load_balancer(facts, service);
  return facts;
}

SliceFacts slice_facts(const Object& object) {
  discovery_v1::EndpointSlice slice(object);
  SliceFacts facts;
  if (slice.address_type() == "FQDN") return facts;
  for (discovery_v1::EndpointPort port : slice.ports()) {
    uint16_t number = port_number(port.port());
    std::string proto = protocol(port.protocol());
    if (number != 0 && !proto.empty()) {
      facts.ports.push_back({std::string(port.name()), std::move(proto), number});
    }
  }
  for (discovery_v1::Endpoint endpoint : slice.endpoints()) {
    // Only the first address counts (upstream: the others have no meaning).
    if (endpoint.addresses().empty()) continue;
    std::optional<Address> address = Address::parse(endpoint.addresses()[0]);
    if (address) facts.endpoints.push_back(endpoint_facts(endpoint, *address));
  }
  return facts;
}

std::vector<Cidr> service_cidrs(const std::vector<ObjectPtr>& objects) {
  std::map<std::string, Cidr> ordered;
  for (const ObjectPtr& object : objects) {
    for (std::string_view text : networking_v1::ServiceCIDR(*object).spec().cidrs()) {
      std::optional<Cidr> cidr = Cidr::parse(text);
      if (cidr) ordered.emplace(cidr->text(), *cidr);
    }
  }
  std::vector<Cidr> ranges;
  for (const auto& [text, cidr] : ordered) ranges.push_back(cidr);
  return ranges;
}

NodeFacts node_facts(const Object& object) {
  core_v1::Node node(object);
  NodeFacts facts{.name = std::string(node.metadata().name()),
                  .zone = std::string(node.metadata().labels().find(kZoneLabel))};
  for (std::string_view text : node.spec().pod_cidrs()) {
    if (std::optional<Cidr> cidr = Cidr::parse(text)) facts.pod_cidrs.push_back(*cidr);
  }
  std::optional<Cidr> single = Cidr::parse(node.spec().pod_cidr());
  if (facts.pod_cidrs.empty() && single) facts.pod_cidrs.push_back(*single);
  for (core_v1::NodeAddress address : node.status().addresses()) {
    if (address.type() == "InternalIP") add_address(facts.addresses, address.address());
  }
  facts.deleting = is_deleting(object);
  for (core_v1::Taint taint : node.spec().taints()) {
    facts.deleting = facts.deleting || taint.key() == kToBeDeletedTaint;
  }
  return facts;
}

std::optional<MicroTime> trigger_time(const Object& object) {
  std::string_view text = metadata(object).annotations().find(kTriggerTime);
  if (text.empty()) return std::nullopt;
  Result<MicroTime> time = parse_rfc3339(text);
  if (!time) return std::nullopt;
  return *time;
}

std::string service_key_of_slice(const Object& object) {
  discovery_v1::EndpointSlice slice(object);
  std::string_view name = slice.metadata().labels().find(kServiceNameLabel);
  if (name.empty()) return "";
  return std::string(slice.metadata().namespace_()) + "/" + std::string(name);
}

}  // namespace tiphys::proxy
