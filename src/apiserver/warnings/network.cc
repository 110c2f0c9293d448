// Services, their endpoints, ingresses and network policies.
#include "apiserver/warnings/kinds.h"
#include "kinds/discovery_v1.h"
#include "kinds/networking_v1.h"

namespace tiphys::apiserver {
namespace {

void warn_of_headless(core_v1::ServiceSpec spec, Warnings& warnings) {
  if (spec.type() != "ClusterIP" || spec.cluster_ip() != "None") return;
  if (!spec.load_balancer_ip().empty()) {
    warnings.emplace_back("spec.loadBalancerIP is ignored for headless services");
  }
  if (!spec.external_ips().empty()) {
    warnings.emplace_back("spec.externalIPs is ignored for headless services");
  }
  if (spec.session_affinity() != "None") {
    warnings.emplace_back("spec.SessionAffinity is ignored for headless services");
  }
}

void warn_of_service_addresses(core_v1::ServiceSpec spec, Warnings& warnings) {
  FieldPath path("spec");
  size_t i = 0;
  for (std::string_view ip : spec.external_ips()) {
    warn_of_ip(ip, path.child("externalIPs").index(i++), warnings);
  }
  warn_of_ip(spec.load_balancer_ip(), path.child("loadBalancerIP"), warnings);
  i = 0;
  for (std::string_view range : spec.load_balancer_source_ranges()) {
    warn_of_cidr(range, path.child("loadBalancerSourceRanges").index(i++), warnings);
  }
}

template <class Addresses>
void warn_of_endpoint_addresses(Addresses addresses, const FieldPath& path, Warnings& warnings) {
  size_t i = 0;
  for (core_v1::EndpointAddress address : addresses) {
    warn_of_ip(address.ip(), path.index(i++).child("ip"), warnings);
  }
}

template <class Peers>
void warn_of_peers(Peers peers, const FieldPath& path, Warnings& warnings) {
  size_t i = 0;
  for (networking_v1::NetworkPolicyPeer peer : peers) {
    FieldPath block = path.index(i++).child("ipBlock");
    if (!peer.has_ip_block()) continue;
    warn_of_cidr(peer.ip_block().cidr(), block.child("cidr"), warnings);
    size_t position = 0;
    for (std::string_view range : peer.ip_block().except()) {
      warn_of_cidr(range, block.child("except").index(position++), warnings);
    }
  }
}

}  // namespace

void warn_of_service(const Object& object, const Object*, Warnings& warnings) {
  core_v1::Service service(object);
  core_v1::ServiceSpec spec = service.spec();
  if (service.metadata().annotations().contains("service.kubernetes.io/topology-aware-hints")) {
    warnings.emplace_back(
        "annotation service.kubernetes.io/topology-aware-hints is deprecated, please use "
        "service.kubernetes.io/topology-mode instead");
  }
  size_t i = 0;
  for (std::string_view ip : spec.cluster_ips()) {
    FieldPath at = FieldPath("spec").child("clusterIPs").index(i++);
    if (ip != "None") warn_of_ip(ip, at, warnings);
  }
  warn_of_headless(spec, warnings);
  warn_of_service_addresses(spec, warnings);
  bool external = spec.type() == "ExternalName";
  if (external && !spec.external_ips().empty()) {
    warnings.emplace_back("spec.externalIPs is ignored when spec.type is \"ExternalName\"");
  }
  if (!external && !spec.external_name().empty()) {
    warnings.emplace_back("spec.externalName is ignored when spec.type is not \"ExternalName\"");
  }
}

void warn_of_service_status(const Object& object, Warnings& warnings) {
  FieldPath path = FieldPath("status").child("loadBalancer").child("ingress");
  size_t i = 0;
  for (auto ingress : core_v1::Service(object).status().load_balancer().ingress()) {
    FieldPath at = path.index(i++);
    if (!ingress.ip().empty()) warn_of_ip(ingress.ip(), at, warnings);
  }
}

// What the controllers write is in order already.
void warn_of_endpoints(const Object& object, const Object*, Warnings& warnings) {
  core_v1::Endpoints endpoints(object);
  std::string_view manager =
      endpoints.metadata().labels().find("endpoints.kubernetes.io/managed-by");
  if (manager == "endpoint-controller") return;
  size_t i = 0;
  for (core_v1::EndpointSubset subset : endpoints.subsets()) {
    FieldPath at = FieldPath("subsets").index(i++);
    warn_of_endpoint_addresses(subset.addresses(), at.child("addresses"), warnings);
    warn_of_endpoint_addresses(subset.not_ready_addresses(), at.child("notReadyAddresses"),
                               warnings);
  }
}

void warn_of_endpoint_slice(const Object& object, const Object* old, Warnings& warnings) {
  discovery_v1::EndpointSlice slice(object);
  if (!old && slice.address_type() == "FQDN") {
    warn(warnings, FieldPath("spec").child("addressType"), "FQDN endpoints are deprecated");
  }
  std::string_view manager =
      slice.metadata().labels().find("endpointslice.kubernetes.io/managed-by");
  if (manager == "endpointslice-controller.k8s.io" ||
      manager == "endpointslicemirroring-controller.k8s.io") {
    return;
  }
  size_t i = 0;
  for (discovery_v1::Endpoint endpoint : slice.endpoints()) {
    FieldPath at = FieldPath("endpoints").index(i++).child("addresses");
    size_t position = 0;
    for (std::string_view address : endpoint.addresses()) {
      warn_of_ip(address, at.index(position++), warnings);
    }
  }
}

void warn_of_ingress(const Object& object, const Object* old, Warnings& warnings) {
  networking_v1::Ingress ingress(object);
  bool annotated = ingress.metadata().annotations().contains("kubernetes.io/ingress.class");
  if (old || !annotated || ingress.spec().has_ingress_class_name()) return;
  warnings.emplace_back(
      "annotation \"kubernetes.io/ingress.class\" is deprecated, please use "
      "'spec.ingressClassName' instead");
}

void warn_of_network_policy(const Object& object, const Object*, Warnings& warnings) {
  networking_v1::NetworkPolicySpec spec = networking_v1::NetworkPolicy(object).spec();
  FieldPath path("spec");
  size_t i = 0;
  for (networking_v1::NetworkPolicyIngressRule rule : spec.ingress()) {
    warn_of_peers(rule.from(), path.child("ingress").index(i++).child("from"), warnings);
  }
  i = 0;
  for (networking_v1::NetworkPolicyEgressRule rule : spec.egress()) {
    warn_of_peers(rule.to(), path.child("egress").index(i++).child("to"), warnings);
  }
}

}  // namespace tiphys::apiserver
