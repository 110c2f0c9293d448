#include "apiserver/registry/service_transition.h"

#include "kinds/core_v1.h"

namespace tiphys::apiserver {
namespace {

bool external(core_v1::ServiceSpec spec) {
  return spec.type() == "NodePort" || spec.type() == "LoadBalancer";
}

bool balanced(core_v1::ServiceSpec spec) { return spec.type() == "LoadBalancer"; }

bool same_node_ports(core_v1::ServiceSpec now, core_v1::ServiceSpec before) {
  if (now.ports().size() != before.ports().size()) return false;
  for (size_t i = 0; i < now.ports().size(); ++i) {
    int port = now.ports()[i].node_port();
    if (port != 0 && port != before.ports()[i].node_port()) return false;
  }
  return true;
}

}  // namespace

void drop_stale_service_fields(Draft& service, const Object& old) {
  core_v1::ServiceSpecEdit spec = core_v1::ServiceEdit(service).edit_spec();
  core_v1::ServiceSpec now = spec.view();
  core_v1::ServiceSpec before = core_v1::Service(old.root()).spec();
  if (external(before) && !external(now)) {
    if (same_node_ports(now, before) && now.has_ports()) {
      auto ports = spec.edit_ports();
      for (size_t i = 0; i < ports.size(); ++i) ports[i].clear_node_port();
    }
    if (now.external_traffic_policy() == before.external_traffic_policy()) {
      spec.clear_external_traffic_policy();
    }
  }
  if (now.health_check_node_port() == before.health_check_node_port() &&
      !(balanced(now) && now.external_traffic_policy() == "Local")) {
    spec.clear_health_check_node_port();
  }
  if (balanced(before) && !balanced(now)) {
    if (now.allocate_load_balancer_node_ports() == before.allocate_load_balancer_node_ports()) {
      spec.clear_allocate_load_balancer_node_ports();
    }
    if (now.load_balancer_class() == before.load_balancer_class()) spec.clear_load_balancer_class();
  }
}

}  // namespace tiphys::apiserver
