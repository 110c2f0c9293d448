#include "apiserver/validation/service.h"

#include <set>

#include "apiserver/validation/checks.h"
#include "apiserver/validation/rules.h"
#include "apiserver/validation/selectors.h"
#include "base/strings.h"
#include "kinds/ip_address.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kTypes[] = {"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"};
constexpr std::string_view kAffinities[] = {"ClientIP", "None"};
constexpr std::string_view kProtocols[] = {"SCTP", "TCP", "UDP"};
constexpr std::string_view kTrafficPolicies[] = {"Cluster", "Local"};
constexpr std::string_view kDistributions[] = {"PreferClose", "PreferSameZone", "PreferSameNode"};
constexpr std::string_view kIpModes[] = {"Proxy", "VIP"};
constexpr std::string_view kTopologyHints = "service.kubernetes.io/topology-aware-hints";
constexpr std::string_view kTopologyMode = "service.kubernetes.io/topology-mode";
constexpr std::string_view kSourceRanges = "service.beta.kubernetes.io/load-balancer-source-ranges";
constexpr std::string_view kBalancedOnly = "may only be used when `type` is 'LoadBalancer'";
constexpr int64_t kMaxAffinitySeconds = 86400;

bool is_balanced(core_v1::ServiceSpec spec) { return spec.type() == "LoadBalancer"; }

bool is_external_name(core_v1::ServiceSpec spec) { return spec.type() == "ExternalName"; }

bool is_reached_from_outside(core_v1::ServiceSpec spec) {
  return is_balanced(spec) || spec.type() == "NodePort" ||
         (spec.type() == "ClusterIP" && !spec.external_ips().empty());
}

bool needs_health_check(core_v1::ServiceSpec spec) {
  return is_balanced(spec) && spec.external_traffic_policy() == "Local";
}

void validate_port(core_v1::ServicePort port, bool name_required, std::set<std::string_view>& names,
                   const FieldPath& path, FieldErrors& errors) {
  FieldPath name = path.child("name");
  if (!port.name().empty()) {
    errors.invalid_all(name, port.name(), check_dns1123_label(port.name()));
    if (!names.insert(port.name()).second) errors.duplicate(name, port.name());
  } else if (name_required) {
    errors.required(name);
  }
  check_number(check_port_number(port.port()), port.port(), path.child("port"), errors);
  check_choice(port.protocol(), kProtocols, path.child("protocol"), errors);
  check_port_reference(port.target_port(), path.child("targetPort"), errors);
  if (port.has_app_protocol()) {
    errors.invalid_all(path.child("appProtocol"), port.app_protocol(),
                       check_qualified_name(port.app_protocol()));
  }
}

// Upstream prints a port that holds nothing but what is compared.
std::string port_json(core_v1::ServicePort port) {
  return "{\"Name\":\"\",\"Protocol\":" + go_quote(port.protocol()) +
         ",\"AppProtocol\":null,\"Port\":" + std::to_string(port.port()) +
         ",\"TargetPort\":0,\"NodePort\":0}";
}

void validate_distinct_ports(const ListView<core_v1::ServicePort>& ports, const FieldPath& path,
                             FieldErrors& errors) {
  std::set<std::pair<std::string_view, int32_t>> node_ports;
  std::set<std::pair<std::string_view, int32_t>> numbers;
  for (size_t i = 0; i < ports.size(); ++i) {
    int32_t node_port = ports[i].node_port();
    if (node_port == 0 || node_ports.insert({ports[i].protocol(), node_port}).second) continue;
    errors.duplicate_raw(path.index(i).child("nodePort"), std::to_string(node_port));
  }
  for (size_t i = 0; i < ports.size(); ++i) {
    if (numbers.insert({ports[i].protocol(), ports[i].port()}).second) continue;
    errors.duplicate_raw(path.index(i), port_json(ports[i]));
  }
}

void validate_each_port(const ListView<core_v1::ServicePort>& ports, FieldErrors& errors) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < ports.size(); ++i) {
    validate_port(ports[i], ports.size() > 1, names, FieldPath("spec.ports").index(i), errors);
  }
}

void forbid_node_ports(core_v1::ServiceSpec spec, FieldErrors& errors) {
  if (spec.type() != "ClusterIP") return;
  for (size_t i = 0; i < spec.ports().size(); ++i) {
    if (spec.ports()[i].node_port() == 0) continue;
    errors.forbidden(FieldPath("spec.ports").index(i).child("nodePort"),
                     "may not be used when `type` is 'ClusterIP'");
  }
}

void validate_external_name(core_v1::ServiceSpec spec, FieldErrors& errors) {
  FieldPath path("spec");
  constexpr std::string_view kWhy = "may not be set for ExternalName services";
  if (!spec.cluster_ips().empty()) errors.forbidden(path.child("clusterIPs"), kWhy);
  if (!spec.ip_families().empty()) errors.forbidden(path.child("ipFamilies"), kWhy);
  if (spec.has_ip_family_policy()) errors.forbidden(path.child("ipFamilyPolicy"), kWhy);
  std::string_view name = spec.external_name();
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty()) {
    errors.required(path.child("externalName"));
  } else {
    errors.invalid_all(path.child("externalName"), name, check_dns1123_subdomain(name));
  }
}

void validate_for_type(core_v1::Service service, FieldErrors& errors) {
  core_v1::ServiceSpec spec = service.spec();
  if (spec.ports().empty() && !is_headless(service) && !is_external_name(spec)) {
    errors.required(FieldPath("spec.ports"));
  }
  if ((is_balanced(spec) || spec.type() == "NodePort") && is_headless(service)) {
    errors.invalid(FieldPath("spec.clusterIPs").index(0), "None",
                   "may not be set to 'None' for " + std::string(spec.type()) + " services");
  }
  if (is_external_name(spec)) validate_external_name(spec, errors);
}

void validate_affinity_config(core_v1::ServiceSpec spec, const FieldPath& path,
                              FieldErrors& errors) {
  constexpr std::string_view kWhen = "when session affinity type is ClientIP";
  core_v1::SessionAffinityConfig config = spec.session_affinity_config();
  FieldPath client = path.child("clientIP");
  FieldPath timeout = client.child("timeoutSeconds");
  if (!spec.has_session_affinity_config()) {
    errors.required(path, kWhen);
  } else if (!config.has_client_ip()) {
    errors.required(client, kWhen);
  } else if (!config.client_ip().has_timeout_seconds()) {
    errors.required(timeout, kWhen);
  } else {
    int64_t seconds = config.client_ip().timeout_seconds();
    if (seconds > 0 && seconds <= kMaxAffinitySeconds) return;
    errors.invalid(timeout, seconds, "must be greater than 0 and less than 86400");
  }
}

void validate_affinity(core_v1::ServiceSpec spec, FieldErrors& errors) {
  FieldPath config("spec.sessionAffinityConfig");
  check_choice(spec.session_affinity(), kAffinities, FieldPath("spec.sessionAffinity"), errors);
  if (spec.session_affinity() == "ClientIP") {
    validate_affinity_config(spec, config, errors);
  } else if (spec.session_affinity() == "None" && spec.has_session_affinity_config()) {
    errors.forbidden(config, "must not be set when session affinity is None");
  }
}

bool holds(const ListView<std::string_view>& list, std::string_view wanted) {
  return std::ranges::any_of(list, [&](std::string_view each) { return trim(each) == wanted; });
}

void validate_external_ips(core_v1::Service service, const core_v1::Service* old,
                           FieldErrors& errors) {
  auto addresses = service.spec().external_ips();
  for (size_t i = 0; i < addresses.size(); ++i) {
    FieldPath at = FieldPath("spec.externalIPs").index(i);
    bool known = old && holds(old->spec().external_ips(), addresses[i]);
    Messages messages = known ? Messages() : check_ip(addresses[i]);
    errors.invalid_all(at, addresses[i], messages);
    if (messages.empty()) check_endpoint_ip(addresses[i], at, errors);
  }
}

void validate_annotated_ranges(core_v1::Service service, const core_v1::Service* old,
                               FieldErrors& errors) {
  MapView<std::string_view> annotations = service.metadata().annotations();
  if (!annotations.contains(kSourceRanges)) return;
  FieldPath path = FieldPath("metadata.annotations").key(kSourceRanges);
  if (!is_balanced(service.spec())) errors.forbidden(path, kBalancedOnly);
  std::string_view text = annotations.find(kSourceRanges);
  if (old && old->metadata().annotations().contains(kSourceRanges) &&
      old->metadata().annotations().find(kSourceRanges) == text) {
    return;
  }
  if (trim(text).empty()) return;
  for (std::string_view range : split(trim(text), ',')) {
    errors.invalid_all(path, trim(range), check_cidr(trim(range)));
  }
}

void validate_source_ranges(core_v1::Service service, const core_v1::Service* old,
                            FieldErrors& errors) {
  auto ranges = service.spec().load_balancer_source_ranges();
  if (ranges.empty()) {
    validate_annotated_ranges(service, old, errors);
    return;
  }
  FieldPath path("spec.LoadBalancerSourceRanges");
  if (!is_balanced(service.spec())) errors.forbidden(path, kBalancedOnly);
  for (size_t i = 0; i < ranges.size(); ++i) {
    std::string_view range = trim(ranges[i]);
    if (old && holds(old->spec().load_balancer_source_ranges(), range)) continue;
    errors.invalid_all(path.index(i), range, check_cidr(range));
  }
}

void validate_allocation(core_v1::ServiceSpec spec, FieldErrors& errors) {
  FieldPath allocate("spec.allocateLoadBalancerNodePorts");
  bool chosen = spec.has_allocate_load_balancer_node_ports();
  if (chosen && !is_balanced(spec)) errors.forbidden(allocate, kBalancedOnly);
  if (!chosen && is_balanced(spec)) errors.required(FieldPath("allocateLoadBalancerNodePorts"));
}

void validate_class(core_v1::ServiceSpec spec, FieldErrors& errors) {
  if (!spec.has_load_balancer_class()) return;
  FieldPath path("spec.loadBalancerClass");
  if (is_balanced(spec)) {
    errors.invalid_all(path, spec.load_balancer_class(),
                       check_qualified_name(spec.load_balancer_class()));
  } else {
    errors.forbidden(path, kBalancedOnly);
  }
}

void validate_health_check(core_v1::ServiceSpec spec, FieldErrors& errors) {
  FieldPath path("spec.healthCheckNodePort");
  int32_t port = spec.health_check_node_port();
  if (!needs_health_check(spec)) {
    if (port == 0) return;
    errors.invalid(path, port,
                   "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is "
                   "'Local'");
  } else if (port == 0) {
    errors.required(path);
  } else {
    check_number(check_port_number(port), port, path, errors);
  }
}

void validate_traffic(core_v1::ServiceSpec spec, FieldErrors& errors) {
  FieldPath external("spec.externalTrafficPolicy");
  FieldPath internal("spec.internalTrafficPolicy");
  if (is_reached_from_outside(spec)) {
    check_choice(spec.external_traffic_policy(), kTrafficPolicies, external, errors);
  } else if (!spec.external_traffic_policy().empty()) {
    errors.invalid(external, spec.external_traffic_policy(),
                   "may only be set for externally-accessible services");
  }
  validate_health_check(spec, errors);
  if (spec.has_internal_traffic_policy()) {
    check_supported(spec.internal_traffic_policy(), kTrafficPolicies, internal, errors);
  } else if (spec.type() == "ClusterIP" || spec.type() == "NodePort" || is_balanced(spec)) {
    errors.required(internal);
  }
  if (spec.has_traffic_distribution()) {
    check_supported(spec.traffic_distribution(), kDistributions,
                    FieldPath("spec.trafficDistribution"), errors);
  }
}

void validate_topology(core_v1::Service service, FieldErrors& errors) {
  MapView<std::string_view> annotations = service.metadata().annotations();
  if (!annotations.contains(kTopologyHints) || !annotations.contains(kTopologyMode)) return;
  std::string_view mode = annotations.find(kTopologyMode);
  if (mode == annotations.find(kTopologyHints)) return;
  errors.invalid(
      FieldPath("metadata.annotations").key(kTopologyMode), mode,
      "must match annotations[" + std::string(kTopologyHints) + "] when both are specified");
}

void validate_kept(core_v1::Service service, core_v1::Service old, FieldErrors& errors) {
  core_v1::ServiceSpec now = service.spec();
  core_v1::ServiceSpec before = old.spec();
  validate_cluster_ips_kept(service, old, errors);
  bool same_class = now.has_load_balancer_class() == before.has_load_balancer_class() &&
                    now.load_balancer_class() == before.load_balancer_class();
  if (is_balanced(now) && is_balanced(before) && !same_class) {
    errors.invalid_raw(
        FieldPath("spec.loadBalancerClass"),
        printed_field(core_v1::ServiceSpec::message_type(), now.node(), "loadBalancerClass"),
        "may not change once set");
  }
  validate_class(now, errors);
  if (needs_health_check(now) && needs_health_check(before) &&
      now.health_check_node_port() != before.health_check_node_port()) {
    errors.forbidden(FieldPath("spec.healthCheckNodePort"), "field is immutable");
  }
}

void validate_ingress(core_v1::LoadBalancerIngress ingress, bool known, const FieldPath& path,
                      FieldErrors& errors) {
  FieldPath mode = path.child("ipMode");
  if (!ingress.ip().empty() && !known) {
    errors.invalid_all(path.child("ip"), ingress.ip(), check_ip(ingress.ip()));
  }
  if (!ingress.has_ip_mode()) {
    if (!ingress.ip().empty()) errors.required(mode, "must be specified when `ip` is set");
  } else if (ingress.ip().empty()) {
    errors.forbidden(mode, "may not be specified when `ip` is not set");
  } else {
    check_supported(ingress.ip_mode(), kIpModes, mode, errors);
  }
  std::string_view name = ingress.hostname();
  if (name.empty()) return;
  errors.invalid_all(path.child("hostname"), name, check_dns1123_subdomain(name));
  if (parse_ip(name)) {
    errors.invalid(path.child("hostname"), name, "must be a DNS name, not an IP address");
  }
}

}  // namespace

void validate_service(core_v1::Service service, const core_v1::Service* old, FieldErrors& errors) {
  core_v1::ServiceSpec spec = service.spec();
  if (old) validate_kept(service, *old, errors);
  validate_topology(service, errors);
  validate_for_type(service, errors);
  validate_each_port(spec.ports(), errors);
  validate_labels(spec.selector(), FieldPath("spec.selector"), errors);
  validate_affinity(spec, errors);
  validate_cluster_ips(service, old, errors);
  validate_external_ips(service, old, errors);
  check_choice(spec.type(), kTypes, FieldPath("spec.type"), errors);
  forbid_node_ports(spec, errors);
  validate_distinct_ports(spec.ports(), FieldPath("spec.ports"), errors);
  validate_source_ranges(service, old, errors);
  validate_allocation(spec, errors);
  validate_class(spec, errors);
  validate_traffic(spec, errors);
}

void validate_service_status(core_v1::Service service, const core_v1::Service* old,
                             FieldErrors& errors) {
  FieldPath path("status.loadBalancer.ingress");
  auto list = service.status().load_balancer().ingress();
  if (!is_balanced(service.spec()) && !list.empty()) {
    errors.forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'");
    return;
  }
  for (size_t i = 0; i < list.size(); ++i) {
    bool known = std::ranges::any_of(old->status().load_balancer().ingress(),
                                     [&](auto before) { return before.ip() == list[i].ip(); });
    validate_ingress(list[i], known, path.index(i), errors);
  }
}

}  // namespace tiphys::apiserver
