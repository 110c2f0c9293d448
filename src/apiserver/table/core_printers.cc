// Printers of the core group and events.
#include "apiserver/table/pod_status.h"
#include "apiserver/table/printers.h"
#include "base/strings.h"
#include "base/time_math.h"
#include "kinds/events_v1.h"

namespace tiphys::apiserver {
namespace {

constexpr Column kPod[] = {kNameColumn,
                           {"Ready"},
                           {"Status"},
                           {"Restarts"},
                           kAgeColumn,
                           {"IP", "string", 1},
                           {"Node", "string", 1},
                           {"Nominated Node", "string", 1},
                           {"Readiness Gates", "string", 1}};

std::string readiness_gates(core_v1::Pod pod) {
  size_t total = pod.spec().readiness_gates().size();
  if (total == 0) return "<none>";
  size_t met = 0;
  for (core_v1::PodReadinessGate gate : pod.spec().readiness_gates()) {
    for (core_v1::PodCondition condition : pod.status().conditions()) {
      if (condition.type() == gate.condition_type()) met += condition.status() == "True";
    }
  }
  return std::to_string(met) + "/" + std::to_string(total);
}

void print_pod(const Object& object, MicroTime now, Cells& cells) {
  core_v1::Pod pod(object);
  PodSummary summary = summarize_pod(pod);
  std::string restarts = std::to_string(summary.restarts);
  if (summary.restarts != 0 && summary.last_restart != 0) {
    restarts += " (" + human_duration(time_between(summary.last_restart, now)) + " ago)";
  }
  cells.text(pod.metadata().name());
  cells.text(std::to_string(summary.ready) + "/" + std::to_string(summary.total));
  cells.text(summary.status);
  cells.text(restarts);
  cells.age(pod.metadata().creation_timestamp(), now);
  auto addresses = pod.status().pod_ips();
  cells.text(or_none(addresses.empty() ? std::string_view() : addresses[0].ip()));
  cells.text(or_none(pod.spec().node_name()));
  cells.text(or_none(pod.status().nominated_node_name()));
  cells.text(readiness_gates(pod));
}

std::string_view pod_conditions(const Object& object) {
  std::string_view phase = core_v1::Pod(object).status().phase();
  if (phase == "Succeeded") {
    return R"([{"type":"Completed","status":"True","reason":"Succeeded",)"
           R"("message":"The pod has completed successfully."}])";
  }
  if (phase == "Failed") {
    return R"([{"type":"Completed","status":"True","reason":"Failed",)"
           R"("message":"The pod failed."}])";
  }
  return {};
}

constexpr Column kPodTemplate[] = {kNameColumn, {"Containers"}, {"Images"}, {"Pod Labels"}};

void print_pod_template(const Object& object, MicroTime, Cells& cells) {
  core_v1::PodTemplate item(object);
  cells.text(item.metadata().name());
  cells.text(container_names(item.template_().spec()));
  cells.text(container_images(item.template_().spec()));
  cells.text(format_labels(item.template_().metadata().labels()));
}

constexpr Column kService[] = {kNameColumn, {"Type"},   {"Cluster-IP"},           {"External-IP"},
                               {"Port(s)"}, kAgeColumn, {"Selector", "string", 1}};

std::string external_ip(core_v1::Service service) {
  std::string_view type = service.spec().type();
  std::set<std::string> balancers;
  if (type == "LoadBalancer") {
    for (core_v1::LoadBalancerIngress ingress : service.status().load_balancer().ingress()) {
      balancers.emplace(ingress.ip().empty() ? ingress.hostname() : ingress.ip());
    }
    balancers.erase("");
  }
  if (type == "ExternalName") return std::string(service.spec().external_name());
  std::vector<std::string> addresses(balancers.begin(), balancers.end());
  for (std::string_view address : service.spec().external_ips()) addresses.emplace_back(address);
  if (!addresses.empty()) return join(addresses, ",");
  return type == "LoadBalancer" ? "<pending>" : "<none>";
}

std::string service_ports(core_v1::Service service) {
  std::vector<std::string> parts;
  for (core_v1::ServicePort port : service.spec().ports()) {
    std::string text = std::to_string(port.port());
    if (port.node_port() > 0) text += ":" + std::to_string(port.node_port());
    parts.push_back(text + "/" + std::string(port.protocol()));
  }
  return or_none(join(parts, ","));
}

void print_service(const Object& object, MicroTime now, Cells& cells) {
  core_v1::Service service(object);
  auto addresses = service.spec().cluster_ips();
  cells.text(service.metadata().name());
  cells.text(service.spec().type());
  cells.text(or_none(addresses.empty() ? std::string_view() : addresses[0]));
  cells.text(external_ip(service));
  cells.text(service_ports(service));
  cells.age(service.metadata().creation_timestamp(), now);
  cells.text(format_labels(service.spec().selector()));
}

constexpr Column kNode[] = {kNameColumn,
                            {"Status"},
                            {"Roles"},
                            kAgeColumn,
                            {"Version"},
                            {"Internal-IP", "string", 1},
                            {"External-IP", "string", 1},
                            {"OS-Image", "string", 1},
                            {"Kernel-Version", "string", 1},
                            {"Container-Runtime", "string", 1}};

std::string node_status(core_v1::Node node) {
  std::string status = "Unknown";
  for (core_v1::NodeCondition condition : node.status().conditions()) {
    if (condition.type() == "Ready") status = condition.status() == "True" ? "Ready" : "NotReady";
  }
  if (node.spec().unschedulable()) status += ",SchedulingDisabled";
  return status;
}

std::string node_roles(core_v1::Node node) {
  constexpr std::string_view kPrefix = "node-role.kubernetes.io/";
  std::set<std::string> roles;
  for (auto [key, value] : node.metadata().labels()) {
    if (key.starts_with(kPrefix) && key.size() > kPrefix.size()) {
      roles.emplace(key.substr(kPrefix.size()));
    } else if (key == "kubernetes.io/role" && !value.empty()) {
      roles.emplace(value);
    }
  }
  return or_none(join({roles.begin(), roles.end()}, ","));
}

std::string node_address(core_v1::Node node, std::string_view type) {
  for (core_v1::NodeAddress address : node.status().addresses()) {
    if (address.type() == type) return std::string(address.address());
  }
  return "<none>";
}

std::string or_unknown(std::string_view text) {
  return std::string(text.empty() ? "<unknown>" : text);
}

void print_node(const Object& object, MicroTime now, Cells& cells) {
  core_v1::Node node(object);
  core_v1::NodeSystemInfo info = node.status().node_info();
  cells.text(node.metadata().name());
  cells.text(node_status(node));
  cells.text(node_roles(node));
  cells.age(node.metadata().creation_timestamp(), now);
  cells.text(info.kubelet_version());
  cells.text(node_address(node, "InternalIP"));
  cells.text(node_address(node, "ExternalIP"));
  cells.text(or_unknown(info.os_image()));
  cells.text(or_unknown(info.kernel_version()));
  cells.text(or_unknown(info.container_runtime_version()));
}

constexpr Column kNamespace[] = {kNameColumn, {"Status"}, kAgeColumn};

void print_namespace(const Object& object, MicroTime now, Cells& cells) {
  core_v1::Namespace item(object);
  cells.text(item.metadata().name());
  cells.text(item.status().phase());
  cells.age(item.metadata().creation_timestamp(), now);
}

constexpr Column kSecret[] = {kNameColumn, {"Type"}, {"Data"}, kAgeColumn};

void print_secret(const Object& object, MicroTime now, Cells& cells) {
  core_v1::Secret item(object);
  cells.text(item.metadata().name());
  cells.text(item.type());
  cells.number(static_cast<int64_t>(item.data().size()));
  cells.age(item.metadata().creation_timestamp(), now);
}

constexpr Column kConfigMap[] = {kNameColumn, {"Data"}, kAgeColumn};

void print_config_map(const Object& object, MicroTime now, Cells& cells) {
  core_v1::ConfigMap item(object);
  cells.text(item.metadata().name());
  cells.number(static_cast<int64_t>(item.data().size() + item.binary_data().size()));
  cells.age(item.metadata().creation_timestamp(), now);
}

constexpr Column kServiceAccount[] = {kNameColumn, {"Secrets"}, kAgeColumn};

void print_service_account(const Object& object, MicroTime now, Cells& cells) {
  core_v1::ServiceAccount item(object);
  cells.text(item.metadata().name());
  cells.number(static_cast<int64_t>(item.secrets().size()));
  cells.age(item.metadata().creation_timestamp(), now);
}

constexpr Column kEndpoints[] = {kNameColumn, {"Endpoints"}, kAgeColumn};

std::string join_host_port(std::string_view host, int64_t port) {
  bool v6 = host.find(':') != std::string_view::npos;
  std::string text = v6 ? "[" + std::string(host) + "]" : std::string(host);
  return text + ":" + std::to_string(port);
}

std::string endpoint_list(core_v1::Endpoints endpoints) {
  std::vector<std::string> items;
  for (core_v1::EndpointSubset subset : endpoints.subsets()) {
    if (subset.ports().empty()) {
      for (core_v1::EndpointAddress address : subset.addresses()) items.emplace_back(address.ip());
    }
    for (core_v1::EndpointPort port : subset.ports()) {
      for (core_v1::EndpointAddress address : subset.addresses()) {
        items.push_back(join_host_port(address.ip(), port.port()));
      }
    }
  }
  return or_none(listed(items, 3));
}

void print_endpoints(const Object& object, MicroTime now, Cells& cells) {
  core_v1::Endpoints item(object);
  cells.text(item.metadata().name());
  cells.text(endpoint_list(item));
  cells.age(item.metadata().creation_timestamp(), now);
}

constexpr Column kEvent[] = {{"Last Seen"},
                             {"Type"},
                             {"Reason"},
                             {"Object"},
                             {"Subobject", "string", 1},
                             {"Source", "string", 1},
                             {"Message"},
                             {"First Seen", "string", 1},
                             {"Count", "string", 1},
                             {"Name", "string", 1, "name"}};

struct EventTimes {
  MicroTime first = 0;
  MicroTime last = 0;
  int64_t count = 0;
};

// Old-style timestamps win; an event of the new API has eventTime and maybe a series.
EventTimes event_times(MicroTime first, MicroTime last, int64_t count, MicroTime event_time,
                       bool has_series, MicroTime series_last, int64_t series_count) {
  EventTimes times{first == 0 ? event_time : first, last, count};
  if (has_series) {
    times.last = series_last;
    times.count = series_count;
  } else if (last == 0) {
    times.last = times.first;
  }
  if (times.count == 0) times.count = 1;
  return times;
}

std::string event_object(core_v1::ObjectReference reference) {
  std::string text = to_lower(reference.kind());
  if (!reference.name().empty()) text += "/" + std::string(reference.name());
  return text;
}

void print_event_cells(const EventTimes& times, std::string_view type, std::string_view reason,
                       core_v1::ObjectReference about, const std::string& source,
                       std::string_view message, std::string_view name, MicroTime now,
                       Cells& cells) {
  cells.age(times.last, now);
  cells.text(type);
  cells.text(reason);
  cells.text(event_object(about));
  cells.text(about.field_path());
  cells.text(source);
  cells.text(trim(message));
  cells.age(times.first, now);
  cells.number(times.count);
  cells.text(name);
}

std::string event_source(std::string_view component, std::string_view host) {
  return host.empty() ? std::string(component) : std::string(component) + ", " + std::string(host);
}

void print_event(const Object& object, MicroTime now, Cells& cells) {
  core_v1::Event event(object);
  EventTimes times = event_times(event.first_timestamp(), event.last_timestamp(), event.count(),
                                 event.event_time(), event.has_series(),
                                 event.series().last_observed_time(), event.series().count());
  std::string source = event.source().component().empty()
                           ? event_source(event.reporting_component(), event.reporting_instance())
                           : event_source(event.source().component(), event.source().host());
  print_event_cells(times, event.type(), event.reason(), event.involved_object(), source,
                    event.message(), event.metadata().name(), now, cells);
}

void print_new_event(const Object& object, MicroTime now, Cells& cells) {
  events_v1::Event event(object);
  EventTimes times =
      event_times(event.deprecated_first_timestamp(), event.deprecated_last_timestamp(),
                  event.deprecated_count(), event.event_time(), event.has_series(),
                  event.series().last_observed_time(), event.series().count());
  core_v1::EventSource old = event.deprecated_source();
  std::string source = old.component().empty()
                           ? event_source(event.reporting_controller(), event.reporting_instance())
                           : event_source(old.component(), old.host());
  print_event_cells(times, event.type(), event.reason(), event.regarding(), source, event.note(),
                    event.metadata().name(), now, cells);
}

constexpr Column kComponentStatus[] = {kNameColumn, {"Status"}, {"Message"}, {"Error"}};

void print_component_status(const Object& object, MicroTime, Cells& cells) {
  core_v1::ComponentStatus item(object);
  cells.text(item.metadata().name());
  std::string_view status = "Unknown";
  std::string_view message;
  std::string_view error;
  for (core_v1::ComponentCondition condition : item.conditions()) {
    if (condition.type() != "Healthy") continue;
    status = condition.status() == "True" ? "Healthy" : "Unhealthy";
    message = condition.message();
    error = condition.error();
  }
  cells.text(status);
  cells.text(message);
  cells.text(error);
}

}  // namespace

std::span<const PrinterRow> core_printers() {
  static const PrinterRow kRows[] = {
      {&core_v1::Pod::message(), {kPod, print_pod, pod_conditions}},
      {&core_v1::PodTemplate::message(), {kPodTemplate, print_pod_template}},
      {&core_v1::Service::message(), {kService, print_service}},
      {&core_v1::Node::message(), {kNode, print_node}},
      {&core_v1::Namespace::message(), {kNamespace, print_namespace}},
      {&core_v1::Secret::message(), {kSecret, print_secret}},
      {&core_v1::ConfigMap::message(), {kConfigMap, print_config_map}},
      {&core_v1::ServiceAccount::message(), {kServiceAccount, print_service_account}},
      {&core_v1::Endpoints::message(), {kEndpoints, print_endpoints}},
      {&core_v1::Event::message_type(), {kEvent, print_event}},
      {&events_v1::Event::message_type(), {kEvent, print_new_event}},
      {&core_v1::ComponentStatus::message(), {kComponentStatus, print_component_status}},
  };
  return kRows;
}

}  // namespace tiphys::apiserver
