#include "apiserver/registry/service_transition.h"

#include <algorithm>
#include <map>
#include <set>

#include "kinds/core_v1.h"

namespace tiphys::apiserver {
namespace {

using Spec = core_v1::ServiceSpec;

bool has_address(Spec spec) { return spec.type() != "ExternalName"; }
bool is_balanced(Spec spec) { return spec.type() == "LoadBalancer"; }
bool has_node_ports(Spec spec) { return spec.type() == "NodePort" || is_balanced(spec); }

bool has_health_check(Spec spec) {
  return is_balanced(spec) && spec.external_traffic_policy() == "Local";
}

bool is_reached_from_outside(Spec spec) {
  return has_node_ports(spec) || (spec.type() == "ClusterIP" && !spec.external_ips().empty());
}

std::set<int> node_ports(Spec spec) {
  std::set<int> ports;
  for (core_v1::ServicePort port : spec.ports()) {
    if (port.node_port() != 0) ports.insert(port.node_port());
  }
  return ports;
}

// Who clears clusterIP, or is too old to know of clusterIPs, means both.
bool same_addresses(Spec now, Spec before) {
  bool list = std::ranges::equal(now.cluster_ips(), before.cluster_ips());
  if (now.cluster_ip().empty()) return list;
  return now.cluster_ip() == before.cluster_ip() && (list || now.cluster_ips().empty());
}

void drop_addresses(core_v1::ServiceSpecEdit spec, Spec now, Spec before) {
  bool addresses = same_addresses(now, before);
  bool policy = now.ip_family_policy() == before.ip_family_policy();
  bool families = std::ranges::equal(now.ip_families(), before.ip_families());
  if (addresses) spec.clear_cluster_ip();
  if (addresses) spec.clear_cluster_ips();
  if (policy) spec.clear_ip_family_policy();
  if (families) spec.clear_ip_families();
}

void drop_node_ports(core_v1::ServiceSpecEdit spec, Spec now, Spec before) {
  std::set<int> fresh = node_ports(now);
  if (!std::ranges::includes(node_ports(before), fresh) || !now.has_ports()) return;
  auto ports = spec.edit_ports();
  for (size_t i = 0; i < ports.size(); ++i) ports[i].clear_node_port();
}

}  // namespace

void keep_allocated_ports(Draft& service, const Object& old) {
  core_v1::ServiceSpecEdit spec = core_v1::ServiceEdit(service).edit_spec();
  Spec now = spec.view();
  Spec before = core_v1::Service(old.root()).spec();
  if (has_health_check(now) && has_health_check(before) && now.health_check_node_port() == 0) {
    spec.set_health_check_node_port(before.health_check_node_port());
  }
  if (!has_node_ports(now) || !has_node_ports(before) || !now.has_ports()) return;
  std::set<int> used;
  std::ranges::set_intersection(node_ports(now), node_ports(before),
                                std::inserter(used, used.end()));
  std::map<std::string_view, int> named;
  for (core_v1::ServicePort port : before.ports()) named[port.name()] = port.node_port();
  auto ports = spec.edit_ports();
  for (size_t i = 0; i < ports.size(); ++i) {
    if (ports[i].view().node_port() != 0) continue;
    auto known = named.find(ports[i].view().name());
    int port = known == named.end() ? 0 : known->second;
    if (port != 0 && used.insert(port).second) ports[i].set_node_port(port);
  }
}

void drop_stale_service_fields(Draft& service, const Object& old) {
  core_v1::ServiceSpecEdit spec = core_v1::ServiceEdit(service).edit_spec();
  Spec now = spec.view();
  Spec before = core_v1::Service(old.root()).spec();
  bool health_check = has_health_check(now);
  if (has_address(before) && !has_address(now)) drop_addresses(spec, now, before);
  if (has_node_ports(before) && !has_node_ports(now)) drop_node_ports(spec, now, before);
  if (has_health_check(before) && !health_check &&
      now.health_check_node_port() == before.health_check_node_port()) {
    spec.clear_health_check_node_port();
  }
  if (is_balanced(before) && !is_balanced(now)) {
    if (now.allocate_load_balancer_node_ports() == before.allocate_load_balancer_node_ports()) {
      spec.clear_allocate_load_balancer_node_ports();
    }
    if (now.load_balancer_class() == before.load_balancer_class()) spec.clear_load_balancer_class();
  }
  if (is_reached_from_outside(before) && !is_reached_from_outside(spec.view()) &&
      now.external_traffic_policy() == before.external_traffic_policy()) {
    spec.clear_external_traffic_policy();
  }
}

}  // namespace tiphys::apiserver
