// SetDefaults_* of core/v1 that depend on other fields.
#include "kinds/core_v1.h"
#include "kinds/default_rules.h"
#include "kinds/image_name.h"
#include "kinds/pods.h"

namespace tiphys::kinds {
namespace {

std::string_view pull_policy(std::string_view image) {
  return parse_image_name(image).tag == "latest" ? "Always" : "IfNotPresent";
}

// Entries of `from` that `into` lacks.
template <class M>
void add_missing(MapView<std::string_view> from, M into) {
  for (auto [key, value] : from) {
    if (!into.contains(key)) into.set(key, value);
  }
}

void default_requests(core_v1::ContainerEdit container) {
  core_v1::ResourceRequirements resources = container.view().resources();
  if (!resources.has_limits()) return;
  MapView<std::string_view> limits = resources.limits();
  add_missing(limits, container.edit_resources().edit_requests());
}

void default_host_ports(core_v1::ContainerEdit container) {
  if (container.view().ports().empty()) return;
  auto ports = container.edit_ports();
  for (size_t i = 0; i < ports.size(); ++i) {
    core_v1::ContainerPort port = ports[i].view();
    if (port.host_port() == 0) ports[i].set_host_port(port.container_port());
  }
}

void default_containers(ListEdit<core_v1::ContainerEdit> containers, bool host_network) {
  for (size_t i = 0; i < containers.size(); ++i) {
    default_requests(containers[i]);
    if (host_network) default_host_ports(containers[i]);
  }
}

bool is_huge_pages(std::string_view resource) { return resource.starts_with("hugepages-"); }

bool is_pod_level(std::string_view resource) {
  return resource == "cpu" || resource == "memory" || is_huge_pages(resource);
}

// What containers may use of huge pages is the pod's limit, unless the pod asks for some itself.
void default_pod_limits(core_v1::PodSpecEdit spec) {
  core_v1::ResourceRequirements own = spec.view().resources();
  if (own.limits().empty() && own.requests().empty()) return;
  for (const auto& [name, sum] : container_limits(spec.view())) {
    if (!is_huge_pages(name) || own.requests().contains(name)) continue;
    if (spec.view().resources().limits().contains(name)) continue;
    spec.edit_resources().edit_limits().set(name, sum.text());
  }
}

// Pod-level requests default to what the containers ask for, then to the pod-level limits.
void default_pod_requests(core_v1::PodSpecEdit spec) {
  if (spec.view().resources().limits().empty()) return;
  for (const auto& [name, sum] : container_requests(spec.view())) {
    if (!is_pod_level(name) || is_huge_pages(name)) continue;
    if (spec.view().resources().requests().contains(name)) continue;
    spec.edit_resources().edit_requests().set(name, sum.text());
  }
  MapView<std::string_view> limits = spec.view().resources().limits();
  for (auto [name, limit] : limits) {
    if (!is_pod_level(name) || spec.view().resources().requests().contains(name)) continue;
    spec.edit_resources().edit_requests().set(name, limit);
  }
}

}  // namespace

void default_container(Arena& arena, Node& node) {
  core_v1::ContainerEdit container(arena, node);
  if (container.view().image_pull_policy().empty()) {
    container.set_image_pull_policy(pull_policy(container.view().image()));
  }
}

void default_ephemeral_container(Arena& arena, Node& node) {
  core_v1::EphemeralContainerCommonEdit container(arena, node);
  if (container.view().image_pull_policy().empty()) {
    container.set_image_pull_policy(pull_policy(container.view().image()));
  }
}

void default_pod(Arena& arena, Node& node) {
  core_v1::PodEdit pod(arena, node);
  core_v1::PodSpecEdit spec = pod.edit_spec();
  bool host_network = spec.view().host_network();
  if (spec.view().has_containers()) default_containers(spec.edit_containers(), host_network);
  if (spec.view().has_init_containers()) {
    default_containers(spec.edit_init_containers(), host_network);
  }
  if (!spec.view().has_resources()) return;
  default_pod_limits(spec);
  default_pod_requests(spec);
}

// serviceAccount is the old name of serviceAccountName; upstream's conversion shows it in both.
void default_pod_spec(Arena& arena, Node& node) {
  core_v1::PodSpecEdit spec(arena, node);
  if (spec.view().service_account_name().empty()) {
    spec.set_service_account_name(spec.view().service_account());
  }
  spec.set_service_account(spec.view().service_account_name());
}

void default_volume(Arena& arena, Node& node) {
  core_v1::VolumeEdit volume(arena, node);
  // The only inlined struct of Volume is its source; absent or empty means that no source is given.
  const schema::Message& type = core_v1::Volume::message_type();
  if (node.field(type.inlined_fields[0]).as_node().size == 0) volume.edit_empty_dir();
  if (volume.view().has_image() && volume.view().image().pull_policy().empty()) {
    volume.edit_image().set_pull_policy(pull_policy(volume.view().image().reference()));
  }
}

void default_replication_controller(Arena& arena, Node& node) {
  core_v1::ReplicationControllerEdit controller(arena, node);
  core_v1::ReplicationController view = controller.view();
  MapView<std::string_view> labels = view.spec().template_().metadata().labels();
  if (labels.empty()) return;
  if (view.spec().selector().empty()) controller.edit_spec().set_selector(labels);
  if (view.metadata().labels().empty()) controller.edit_metadata().set_labels(labels);
}

namespace {

void default_ports(core_v1::ServiceSpecEdit spec) {
  if (spec.view().ports().empty()) return;
  auto ports = spec.edit_ports();
  for (size_t i = 0; i < ports.size(); ++i) {
    core_v1::ServicePort port = ports[i].view();
    const Value& target = port.target_port();
    bool unset = target.type == ValueType::kString ? target.size == 0 : target.as_int() == 0;
    if (unset) ports[i].set_target_port(Value::of_int(port.port()));
  }
}

void default_affinity(core_v1::ServiceSpecEdit spec) {
  if (spec.view().session_affinity() == "None") spec.clear_session_affinity_config();
  if (spec.view().session_affinity() != "ClientIP") return;
  core_v1::ClientIPConfig config = spec.view().session_affinity_config().client_ip();
  if (config.has_timeout_seconds()) return;
  spec.edit_session_affinity_config().edit_client_ip().set_timeout_seconds(10800);
}

void default_ingress_modes(core_v1::ServiceEdit service) {
  if (service.view().status().load_balancer().ingress().empty()) return;
  auto ingress = service.edit_status().edit_load_balancer().edit_ingress();
  for (size_t i = 0; i < ingress.size(); ++i) {
    core_v1::LoadBalancerIngress each = ingress[i].view();
    if (!each.ip().empty() && !each.has_ip_mode()) ingress[i].set_ip_mode("VIP");
  }
}

}  // namespace

void default_service(Arena& arena, Node& node) {
  core_v1::ServiceEdit service(arena, node);
  core_v1::ServiceSpecEdit spec = service.edit_spec();
  default_affinity(spec);
  default_ports(spec);
  std::string_view type = spec.view().type();
  bool balanced = type == "LoadBalancer";
  bool external = balanced || type == "NodePort" ||
                  (type == "ClusterIP" && !spec.view().external_ips().empty());
  if (external && spec.view().external_traffic_policy().empty()) {
    spec.set_external_traffic_policy("Cluster");
  }
  if (!spec.view().has_internal_traffic_policy() && type != "ExternalName") {
    spec.set_internal_traffic_policy("Cluster");
  }
  if (!balanced) return;
  if (!spec.view().has_allocate_load_balancer_node_ports()) {
    spec.set_allocate_load_balancer_node_ports(true);
  }
  default_ingress_modes(service);
}

void default_namespace(Arena& arena, Node& node) {
  core_v1::NamespaceEdit space(arena, node);
  std::string_view name = space.view().metadata().name();
  if (name.empty()) return;
  space.edit_metadata().edit_labels().set("kubernetes.io/metadata.name", name);
}

void default_node_status(Arena& arena, Node& node) {
  core_v1::NodeStatusEdit status(arena, node);
  if (status.view().has_allocatable() || !status.view().has_capacity()) return;
  status.set_allocatable(status.view().capacity());
}

void default_limit_range_item(Arena& arena, Node& node) {
  core_v1::LimitRangeItemEdit item(arena, node);
  core_v1::LimitRangeItem view = item.view();
  if (view.type() != "Container") return;
  if (!view.max().empty()) add_missing(view.max(), item.edit_default());
  if (!view.default_().empty()) add_missing(view.default_(), item.edit_default_request());
  if (!view.min().empty()) add_missing(view.min(), item.edit_default_request());
}

}  // namespace tiphys::kinds
