#include "controllers/endpoints.h"

#include "controllers/pod_state.h"
#include "controllers/resources.h"
#include "controllers/service_pods.h"
#include "kinds/pods.h"

namespace tiphys::controllers {

namespace {

constexpr size_t kMaxAddresses = 1000;
constexpr std::string_view kHeadless = "service.kubernetes.io/headless";
constexpr std::string_view kManagedBy = "endpoints.kubernetes.io/managed-by";
constexpr std::string_view kOverCapacity = "endpoints.kubernetes.io/over-capacity";

struct Subset {
  std::vector<core_v1::Pod> ready;
  std::vector<core_v1::Pod> not_ready;
};

void put_addresses(tiphys::ListEdit<core_v1::EndpointAddressEdit> list,
                   const core_v1::Service& service, std::vector<core_v1::Pod> from, bool ipv6) {
  std::ranges::sort(from, {}, [&](const core_v1::Pod& pod) {
    return std::pair(address_of(pod, ipv6), pod.metadata().uid());
  });
  for (const core_v1::Pod& pod : from) {
    core_v1::EndpointAddressEdit address = list.append();
    address.set_ip(address_of(pod, ipv6));
    if (!pod.spec().node_name().empty()) address.set_node_name(pod.spec().node_name());
    address.set_hostname(hostname_for(service, pod));
    put_target(address.edit_target_ref(), pod);
  }
}

void put_ports(tiphys::ListEdit<core_v1::EndpointPortEdit> list, const ServicePorts& ports) {
  for (const ServicePort& port : ports) {
    core_v1::EndpointPortEdit edit = list.append();
    edit.set_name(port.name);
    edit.set_port(port.port);
    edit.set_protocol(port.protocol);
    if (!port.app_protocol.empty()) edit.set_app_protocol(port.app_protocol);
  }
}

bool uses_ipv6(const core_v1::Service& service) {
  auto families = service.spec().ip_families();
  if (!families.empty()) return families[0] == "IPv6";
  return service.spec().cluster_ip().find(':') != std::string_view::npos;
}

// Grouped by ports. Beyond the limit ready pods win.
std::map<ServicePorts, Subset> group(const core_v1::Service& service,
                                     const std::vector<ObjectPtr>& pods, bool* over_capacity) {
  bool ipv6 = uses_ipv6(service);
  bool all = service.spec().publish_not_ready_addresses();
  std::map<ServicePorts, Subset> subsets;
  size_t count = 0;
  for (bool ready_ones : {true, false}) {
    for (const ObjectPtr& object : pods) {
      core_v1::Pod pod(*object);
      if (!belongs_in_endpoints(pod, all) || address_of(pod, ipv6).empty()) continue;
      bool ready = all || kinds::is_ready(pod);
      if (ready != ready_ones) continue;
      ServicePorts ports = ports_on(service, pod);
      if (ports.empty() && !(is_headless(service) && service.spec().ports().empty())) continue;
      if (++count > kMaxAddresses) {
        *over_capacity = true;
        continue;
      }
      Subset& subset = subsets[ports];
      (ready ? subset.ready : subset.not_ready).push_back(pod);
    }
  }
  return subsets;
}

}  // namespace

ObjectPtr endpoints_of(const Object& object, const std::vector<ObjectPtr>& pods,
                       const ObjectPtr& known) {
  core_v1::Service service(object);
  bool over_capacity = false;
  auto subsets = group(service, pods, &over_capacity);
  Draft draft = known ? Draft(*known) : core_v1::Endpoints::make();
  core_v1::EndpointsEdit edit(draft);
  meta_v1::ObjectMetaEdit meta = edit.edit_metadata();
  meta.set_name(service.metadata().name());
  meta.set_namespace(service.metadata().namespace_());
  meta.set_labels(service.metadata().labels());
  meta.edit_labels().set(kManagedBy, "endpoint-controller");
  if (is_headless(service)) {
    meta.edit_labels().set(kHeadless, "");
  } else {
    meta.edit_labels().erase(kHeadless);
  }
  if (over_capacity) {
    meta.edit_annotations().set(kOverCapacity, "truncated");
  } else if (meta.view().has_annotations()) {
    meta.edit_annotations().erase(kOverCapacity);
    if (meta.view().annotations().empty()) meta.clear_annotations();
  }
  edit.clear_subsets();
  for (const auto& [ports, subset] : subsets) {
    core_v1::EndpointSubsetEdit to = edit.edit_subsets().append();
    bool ipv6 = uses_ipv6(service);
    if (!subset.ready.empty()) put_addresses(to.edit_addresses(), service, subset.ready, ipv6);
    if (!subset.not_ready.empty()) {
      put_addresses(to.edit_not_ready_addresses(), service, subset.not_ready, ipv6);
    }
    if (!ports.empty()) put_ports(to.edit_ports(), ports);
  }
  return draft.freeze();
}

EndpointsController::EndpointsController(Context context)
    : Controller(context, "endpoints-controller"),
      services_(watch(services())),
      pods_(watch(pods())),
      endpoints_(watch(endpoints())) {
  event_source_ = "endpoint-controller";
  enqueue_changes(services_);
  // Also whatever somebody else changed or deleted.
  enqueue_changes(endpoints_);
  watch_service_pods(services_, pods_, [this](std::string key) { enqueue(std::move(key)); });
}

Decision EndpointsController::reconcile(const std::string& key, MicroTime now) {
  Decision decision;
  auto [ns, name] = client::split_key(key);
  ObjectPtr object = services_.get(ns, name);
  ObjectPtr known = endpoints_.get(ns, name);
  if (!object) {
    // Endpoints without a Service stay if they aren't ours: somebody may be about to make one.
    bool ours = known && metadata(*known).labels().find(kManagedBy) == "endpoint-controller";
    if (ours) decision.add(delete_action(endpoints(), known));
    return decision;
  }
  core_v1::Service service(*object);
  if (!selects_pods(service) || metadata(*object).has_deletion_timestamp()) return decision;
  std::vector<ObjectPtr> selected;
  for (ObjectPtr& pod : pods_.list(ns)) {
    if (selects(service, core_v1::Pod(*pod))) selected.push_back(std::move(pod));
  }
  ObjectPtr wanted = endpoints_of(*object, selected, known);
  if (!known) {
    Action action = create_action(endpoints(), wanted);
    action.failure = Note{object, "Warning", "FailedToCreateEndpoint",
                          "Failed to create endpoint for service " + key + ": "};
    decision.add(std::move(action));
  } else if (!equal(View(*wanted), View(*known))) {
    Action action = update_action(endpoints(), wanted);
    action.failure = Note{object, "Warning", "FailedToUpdateEndpoint",
                          "Failed to update endpoint " + key + ": "};
    decision.add(std::move(action));
  }
  return decision;
}

}  // namespace tiphys::controllers
