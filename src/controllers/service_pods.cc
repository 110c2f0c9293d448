#include "controllers/service_pods.h"

#include <algorithm>

#include "client/object_key.h"
#include "kinds/ip_address.h"
#include "kinds/pods.h"
#include "object/int_or_string.h"

namespace tiphys::controllers {

namespace {

// The port of a name and protocol that a container has.
std::optional<int32_t> named_port(const core_v1::Container& container, std::string_view name,
                                  std::string_view protocol) {
  for (core_v1::ContainerPort port : container.ports()) {
    bool same_protocol = port.protocol().empty() || protocol.empty() || port.protocol() == protocol;
    if (port.name() == name && same_protocol) return port.container_port();
  }
  return std::nullopt;
}

std::optional<int32_t> port_on(const core_v1::ServicePort& port, const core_v1::Pod& pod) {
  const Value& target = port.target_port();
  if (target.type == ValueType::kInt && target.i != 0) return static_cast<int32_t>(target.i);
  if (target.type != ValueType::kString) return port.port();
  for (core_v1::Container container : pod.spec().containers()) {
    auto found = named_port(container, target.as_text(), port.protocol());
    if (found) return found;
  }
  for (core_v1::Container container : pod.spec().init_containers()) {
    if (!kinds::is_sidecar(container)) continue;
    auto found = named_port(container, target.as_text(), port.protocol());
    if (found) return found;
  }
  return std::nullopt;
}

bool same_addresses(const core_v1::Pod& a, const core_v1::Pod& b) {
  auto ip = [](core_v1::PodIP address) { return address.ip(); };
  return a.status().pod_ip() == b.status().pod_ip() &&
         std::ranges::equal(a.status().pod_ips(), b.status().pod_ips(), {}, ip, ip);
}

}  // namespace

bool selects_pods(const core_v1::Service& service) {
  return !service.spec().selector().empty() && service.spec().type() != "ExternalName";
}

bool has_cluster_ip(const core_v1::Service& service) {
  return !service.spec().cluster_ip().empty() && service.spec().cluster_ip() != "None";
}

void put_headless_label(meta_v1::ObjectMetaEdit meta, const core_v1::Service& service) {
  if (has_cluster_ip(service)) {
    meta.edit_labels().erase(kHeadlessLabel);
  } else {
    meta.edit_labels().set(kHeadlessLabel, "");
  }
}

bool selects(const core_v1::Service& service, const core_v1::Pod& pod) {
  auto labels = pod.metadata().labels();
  for (auto [key, value] : service.spec().selector()) {
    if (!labels.contains(key) || labels.find(key) != value) return false;
  }
  return true;
}

bool belongs_in_endpoints(const core_v1::Pod& pod, bool include_terminating) {
  if (kinds::is_finished(pod)) return false;
  if (pod.status().pod_ip().empty() && pod.status().pod_ips().empty()) return false;
  return include_terminating || !pod.metadata().has_deletion_timestamp();
}

ServicePorts ports_on(const core_v1::Service& service, const core_v1::Pod& pod) {
  ServicePorts ports;
  for (core_v1::ServicePort port : service.spec().ports()) {
    std::optional<int32_t> number = port_on(port, pod);
    if (!number) continue;
    std::string_view protocol = port.protocol().empty() ? "TCP" : port.protocol();
    ports.push_back({std::string(port.name()), std::string(protocol),
                     std::string(port.app_protocol()), *number});
  }
  std::ranges::sort(ports);
  return ports;
}

bool is_ipv6(std::string_view address) {
  std::optional<IpAddress> parsed = parse_ip(address);
  return parsed && parsed->v6;
}

std::string address_of(const core_v1::Pod& pod, bool ipv6) {
  auto canonical = [ipv6](std::string_view text) -> std::string {
    std::optional<IpAddress> address = parse_ip(text);
    return address && address->v6 == ipv6 ? canonical_text(*address) : std::string();
  };
  for (core_v1::PodIP ip : pod.status().pod_ips()) {
    std::string text = canonical(ip.ip());
    if (!text.empty()) return text;
  }
  return canonical(pod.status().pod_ip());
}

bool endpoints_differ(const core_v1::Pod& a, const core_v1::Pod& b) {
  return kinds::is_ready(a) != kinds::is_ready(b) || a.status().phase() != b.status().phase() ||
         !same_addresses(a, b) ||
         a.metadata().has_deletion_timestamp() != b.metadata().has_deletion_timestamp() ||
         a.spec().node_name() != b.spec().node_name() ||
         a.spec().hostname() != b.spec().hostname() ||
         a.spec().subdomain() != b.spec().subdomain() ||
         !equal(Value::of_node(ValueType::kMap, const_cast<Node*>(&a.metadata().labels().node())),
                Value::of_node(ValueType::kMap, const_cast<Node*>(&b.metadata().labels().node())));
}

std::string_view hostname_for(const core_v1::Service& service, const core_v1::Pod& pod) {
  return pod.spec().subdomain() == service.metadata().name() ? pod.spec().hostname()
                                                             : std::string_view();
}

void put_target(core_v1::ObjectReferenceEdit target, const core_v1::Pod& pod) {
  target.set_kind("Pod");
  target.set_namespace(pod.metadata().namespace_());
  target.set_name(pod.metadata().name());
  target.set_uid(pod.metadata().uid());
}

std::vector<std::string> services_of_pod(const client::Informer& services, const Object& pod) {
  std::vector<std::string> keys;
  for (const ObjectPtr& object : services.list(client::metadata(pod).namespace_())) {
    core_v1::Service service(*object);
    if (selects_pods(service) && selects(service, core_v1::Pod(pod))) {
      keys.push_back(client::object_key(*object));
    }
  }
  return keys;
}

void watch_service_pods(client::Informer& services, client::Informer& pods,
                        std::function<void(std::string key)> enqueue) {
  pods.add_handler([&services, enqueue](const ObjectPtr& old, const ObjectPtr& now) {
    if (old && now && !endpoints_differ(core_v1::Pod(*old), core_v1::Pod(*now))) return;
    for (const ObjectPtr& pod : {old, now}) {
      if (!pod) continue;
      for (std::string& key : services_of_pod(services, *pod)) enqueue(std::move(key));
    }
  });
}

}  // namespace tiphys::controllers
