#include "controllers/service_pods.h"

#include "client/object_key.h"
#include "controllers/pod_state.h"
#include "kinds/pods.h"
#include "object/int_or_string.h"

namespace tiphys::controllers {

namespace {

std::optional<int32_t> port_on(const core_v1::ServicePort& port, const core_v1::Pod& pod) {
  const Value& target = port.target_port();
  if (target.type == ValueType::kInt && target.i != 0) return static_cast<int32_t>(target.i);
  if (target.type != ValueType::kString) return port.port();
  auto find = [&](const ListView<core_v1::Container>& containers) -> std::optional<int32_t> {
    for (core_v1::Container container : containers) {
      for (core_v1::ContainerPort candidate : container.ports()) {
        bool same_protocol = candidate.protocol().empty() || port.protocol().empty() ||
                             candidate.protocol() == port.protocol();
        if (candidate.name() == target.as_text() && same_protocol)
          return candidate.container_port();
      }
    }
    return std::nullopt;
  };
  std::optional<int32_t> found = find(pod.spec().containers());
  if (found) return found;
  // Side cars: init containers that keep running.
  for (core_v1::Container container : pod.spec().init_containers()) {
    if (container.restart_policy() != "Always") continue;
    for (core_v1::ContainerPort candidate : container.ports()) {
      if (candidate.name() == target.as_text()) return candidate.container_port();
    }
  }
  return std::nullopt;
}

}  // namespace

bool selects_pods(const core_v1::Service& service) {
  return !service.spec().selector().empty() && service.spec().type() != "ExternalName";
}

bool is_headless(const core_v1::Service& service) { return service.spec().cluster_ip() == "None"; }

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
  return ports;
}

std::string_view address_of(const core_v1::Pod& pod, bool ipv6) {
  auto is_v6 = [](std::string_view ip) { return ip.find(':') != std::string_view::npos; };
  for (core_v1::PodIP ip : pod.status().pod_ips()) {
    if (!ip.ip().empty() && is_v6(ip.ip()) == ipv6) return ip.ip();
  }
  std::string_view only = pod.status().pod_ip();
  return !only.empty() && is_v6(only) == ipv6 ? only : std::string_view();
}

bool endpoints_differ(const core_v1::Pod& a, const core_v1::Pod& b) {
  return kinds::is_ready(a) != kinds::is_ready(b) || a.status().phase() != b.status().phase() ||
         a.status().pod_ip() != b.status().pod_ip() ||
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

void watch_service_pods(client::Informer& services, client::Informer& pods,
                        std::function<void(std::string key)> enqueue) {
  pods.add_handler([&services, enqueue](const ObjectPtr& old, const ObjectPtr& now) {
    if (old && now && !endpoints_differ(core_v1::Pod(*old), core_v1::Pod(*now))) return;
    std::string_view ns = client::metadata(now ? *now : *old).namespace_();
    for (const ObjectPtr& object : services.list(ns)) {
      core_v1::Service service(*object);
      if (!selects_pods(service)) continue;
      bool touched = (old && selects(service, core_v1::Pod(*old))) ||
                     (now && selects(service, core_v1::Pod(*now)));
      if (touched) enqueue(client::object_key(*object));
    }
  });
}

}  // namespace tiphys::controllers
