// Node ports of Services. Upstream: allocNodePorts and friends of
// pkg/registry/core/service/storage/alloc.go.
#include <algorithm>
#include <set>

#include "apiserver/registry/service_allocator.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {
namespace {

constexpr char kExhausted[] = "failed to allocate a nodePort: range is full";

bool has_node_ports(core_v1::ServiceSpec spec) {
  return spec.type() == "NodePort" || spec.type() == "LoadBalancer";
}

bool wants_node_ports(core_v1::ServiceSpec spec) {
  bool declined = spec.type() == "LoadBalancer" && spec.has_allocate_load_balancer_node_ports() &&
                  !spec.allocate_load_balancer_node_ports();
  return has_node_ports(spec) && !declined;
}

bool needs_health_check(core_v1::ServiceSpec spec) {
  return spec.type() == "LoadBalancer" && spec.external_traffic_policy() == "Local";
}

// What the client asks for, for any protocol of the port of this number.
int requested_port(core_v1::ServiceSpec spec, int32_t number) {
  for (core_v1::ServicePort port : spec.ports()) {
    if (port.port() == number && port.node_port() != 0) return port.node_port();
  }
  return 0;
}

ApiStatus refused(core_v1::Service service, size_t i, int port, std::string_view problem) {
  FieldErrors errors;
  errors.invalid(FieldPath("spec.ports").index(i).child("nodePort"), port, problem);
  return ApiStatus::invalid("", "Service", service.metadata().name(), errors.take());
}

}  // namespace

std::optional<int> ServiceAllocator::pick_port() const {
  int size = options_.node_port_last - options_.node_port_first + 1;
  // KEP-3668: the lower band is kept for ports that users ask for.
  int band = std::min(128, std::max(16, size / 32));
  if (size <= 16) band = 0;
  auto scan = [&](int from, int count) -> std::optional<int> {
    if (count <= 0) return std::nullopt;
    int start = static_cast<int>(random_.below(static_cast<uint64_t>(count)));
    for (int i = 0; i < count; ++i) {
      int port = options_.node_port_first + from + (start + i) % count;
      if (!port_counts_.contains(port)) return port;
    }
    return std::nullopt;
  };
  auto port = scan(band, size - band);
  return port ? port : scan(0, band);
}

void ServiceAllocator::hold_port(int port, Reservation& held) {
  ++port_counts_[port];
  held.ports_.push_back(port);
}

std::string ServiceAllocator::take_port(int port, Reservation& held) {
  if (port < options_.node_port_first || port > options_.node_port_last) {
    return "provided port is not in the valid range. The range of valid ports is " +
           std::to_string(options_.node_port_first) + "-" + std::to_string(options_.node_port_last);
  }
  if (port_counts_.contains(port)) return "provided port is already allocated";
  hold_port(port, held);
  return "";
}

// One node port for all protocols of a port, unless the client says otherwise.
Result<void> ServiceAllocator::create_ports(Draft& draft, Reservation& held) {
  core_v1::Service service(draft.root());
  if (!has_node_ports(service.spec()) || service.spec().ports().empty()) return {};
  bool wanted = wants_node_ports(service.spec());
  std::map<int32_t, int> given;
  auto ports = core_v1::ServiceEdit(draft).edit_spec().edit_ports();
  for (size_t i = 0; i < ports.size(); ++i) {
    core_v1::ServicePort port = ports[i].view();
    if (port.node_port() == 0 && !wanted) continue;
    int& twin = given[port.port()];
    if (twin != 0 && port.node_port() == 0) ports[i].set_node_port(twin);
    if (twin != 0 && (port.node_port() == 0 || port.node_port() == twin)) continue;
    int number = twin != 0 ? port.node_port() : requested_port(service.spec(), port.port());
    if (number != 0) {
      std::string problem = take_port(number, held);
      if (!problem.empty()) return refused(service, i, number, problem);
    } else {
      std::optional<int> picked = pick_port();
      if (!picked) return failure(kExhausted);
      number = *picked;
      hold_port(number, held);
    }
    if (twin != 0) continue;
    twin = number;
    ports[i].set_node_port(number);
  }
  return {};
}

Result<void> ServiceAllocator::update_ports(Draft& draft, const Object& old, Reservation& held) {
  core_v1::Service service(draft.root());
  if (!has_node_ports(service.spec()) || service.spec().ports().empty()) return {};
  bool wanted = wants_node_ports(service.spec());
  std::set<int> own;
  for (core_v1::ServicePort port : core_v1::Service(old).spec().ports()) {
    own.insert(port.node_port());
  }
  auto ports = core_v1::ServiceEdit(draft).edit_spec().edit_ports();
  for (size_t i = 0; i < ports.size(); ++i) {
    int number = ports[i].view().node_port();
    if (number == 0 && !wanted) continue;
    if (number == 0) {
      std::optional<int> picked = pick_port();
      if (!picked) return failure(kExhausted);
      hold_port(*picked, held);
      ports[i].set_node_port(*picked);
    } else if (own.insert(number).second) {
      std::string problem = take_port(number, held);
      if (!problem.empty()) return refused(service, i, number, problem);
    }
  }
  return {};
}

Result<void> ServiceAllocator::allocate_health_check(Draft& draft, const Object* old,
                                                     Reservation& held) {
  core_v1::ServiceSpec spec = core_v1::Service(draft.root()).spec();
  bool had = old && needs_health_check(core_v1::Service(*old).spec());
  if (had || !needs_health_check(spec)) return {};
  int port = spec.health_check_node_port();
  if (port == 0) {
    std::optional<int> picked = pick_port();
    if (!picked) return failure("failed to allocate a HealthCheck NodePort 0: range is full");
    hold_port(*picked, held);
    core_v1::ServiceEdit(draft).edit_spec().set_health_check_node_port(*picked);
    return {};
  }
  std::string problem = take_port(port, held);
  if (problem.empty()) return {};
  return failure("failed to allocate requested HealthCheck NodePort " + std::to_string(port) +
                 ": " + problem);
}

}  // namespace tiphys::apiserver
