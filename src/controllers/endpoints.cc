#include "controllers/endpoints.h"

#include "controllers/endpoint_subsets.h"
#include "controllers/resources.h"
#include "controllers/service_pods.h"
#include "kinds/pods.h"

namespace tiphys::controllers {

namespace {

constexpr std::string_view kManagedBy = "endpoints.kubernetes.io/managed-by";
constexpr std::string_view kManager = "endpoint-controller";
constexpr std::string_view kOverCapacity = "endpoints.kubernetes.io/over-capacity";

bool wants_ipv6(const core_v1::Service& service, const core_v1::Pod& pod) {
  auto families = service.spec().ip_families();
  if (!families.empty()) return families[0] == "IPv6";
  return is_ipv6(has_cluster_ip(service) ? service.spec().cluster_ip() : pod.status().pod_ip());
}

void put_address(core_v1::EndpointAddressEdit address, const core_v1::Service& service,
                 const core_v1::Pod& pod, std::string_view ip) {
  address.set_ip(ip);
  address.set_node_name(pod.spec().node_name());
  address.set_hostname(hostname_for(service, pod));
  put_target(address.edit_target_ref(), pod);
}

// `scratch`, an EndpointSubset, holds the addresses.
std::vector<EndpointSubset> subsets_for(const core_v1::Service& service,
                                        const std::vector<ObjectPtr>& pods, Draft& scratch) {
  auto addresses = core_v1::EndpointSubsetEdit(scratch).edit_addresses();
  bool all = service.spec().publish_not_ready_addresses();
  bool portless = service.spec().ports().empty() && service.spec().cluster_ip() == "None";
  SubsetPacker packer;
  for (const ObjectPtr& object : pods) {
    core_v1::Pod pod(*object);
    if (!belongs_in_endpoints(pod, all)) continue;
    std::string ip = address_of(pod, wants_ipv6(service, pod));
    ServicePorts ports = ports_on(service, pod);
    if (ip.empty() || (ports.empty() && !portless)) continue;
    core_v1::EndpointAddressEdit address = addresses.append();
    put_address(address, service, pod, ip);
    packer.add(address.view(), ports, all || kinds::is_ready(pod));
  }
  return packer.pack();
}

void put_subset(core_v1::EndpointSubsetEdit to, const EndpointSubset& subset) {
  for (core_v1::EndpointAddress address : subset.ready) to.edit_addresses().append(address);
  for (core_v1::EndpointAddress address : subset.not_ready) {
    to.edit_not_ready_addresses().append(address);
  }
  for (const ServicePort& port : subset.ports) {
    core_v1::EndpointPortEdit edit = to.edit_ports().append();
    edit.set_name(port.name);
    edit.set_port(port.port);
    edit.set_protocol(port.protocol);
    if (!port.app_protocol.empty()) edit.set_app_protocol(port.app_protocol);
  }
}

void put_over_capacity(meta_v1::ObjectMetaEdit meta, bool truncated) {
  if (truncated) {
    meta.edit_annotations().set(kOverCapacity, "truncated");
  } else if (meta.view().annotations().contains(kOverCapacity)) {
    meta.edit_annotations().erase(kOverCapacity);
    if (meta.view().annotations().empty()) meta.clear_annotations();
  }
}

}  // namespace

ObjectPtr endpoints_of(const Object& object, const std::vector<ObjectPtr>& pods,
                       const ObjectPtr& known, std::optional<MicroTime> trigger) {
  core_v1::Service service(object);
  Draft scratch(core_v1::EndpointSubset::message());
  std::vector<EndpointSubset> subsets = subsets_for(service, pods, scratch);
  Draft draft = known ? Draft(*known) : core_v1::Endpoints::make();
  core_v1::EndpointsEdit edit(draft);
  meta_v1::ObjectMetaEdit meta = edit.edit_metadata();
  meta.set_name(service.metadata().name());
  meta.set_namespace(service.metadata().namespace_());
  meta.set_labels(service.metadata().labels());
  meta.edit_labels().set(kManagedBy, kManager);
  put_headless_label(meta, service);
  put_over_capacity(meta, truncate(subsets));
  edit.clear_subsets();
  for (const EndpointSubset& subset : subsets) put_subset(edit.edit_subsets().append(), subset);
  if (known && equal(View(draft), View(*known))) return nullptr;
  put_trigger_time(meta, trigger);
  return draft.freeze();
}

EndpointsController::EndpointsController(Context context, Options options)
    : Controller(context, "endpoints-controller"),
      services_(watch(services())),
      pods_(watch(pods())),
      endpoints_(watch(endpoints())) {
  event_source_ = "endpoint-controller";
  services_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    if (!now) deleted_.insert(client::object_key(*old));
    enqueue(now ? *now : *old);
  });
  // Also whatever somebody else changed or deleted.
  enqueue_changes(endpoints_);
  Duration delay = options.batch_period;
  watch_service_pods(services_, pods_,
                     [this, delay](std::string key) { enqueue_after(std::move(key), delay); });
}

Decision EndpointsController::after_deletion(const std::string& key, const ObjectPtr& known) {
  Decision decision;
  triggers_.forget(key);
  if (!known) return decision;
  bool ours = metadata(*known).labels().find(kManagedBy) == kManager;
  if (ours || deleted_.contains(key)) decision.add(delete_action(endpoints(), known));
  return decision;
}

Decision EndpointsController::reconcile(const std::string& key, MicroTime now) {
  Decision decision;
  auto [ns, name] = client::split_key(key);
  ObjectPtr object = services_.get(ns, name);
  ObjectPtr known = endpoints_.get(ns, name);
  if (!object) return after_deletion(key, known);
  core_v1::Service service(*object);
  if (!selects_pods(service)) return decision;
  std::vector<ObjectPtr> selected;
  for (ObjectPtr& pod : pods_.list(ns)) {
    if (selects(service, core_v1::Pod(*pod))) selected.push_back(std::move(pod));
  }
  ObjectPtr wanted = endpoints_of(*object, selected, known, triggers_.look(key, service, selected));
  if (!wanted) return decision;
  Action action = known ? update_action(endpoints(), wanted) : create_action(endpoints(), wanted);
  std::string reason = known ? "FailedToUpdateEndpoint" : "FailedToCreateEndpoint";
  std::string what = known ? "update endpoint " : "create endpoint for service ";
  action.failure = Note{wanted, "Warning", reason, "Failed to " + what + key + ": "};
  decision.add(std::move(action));
  return decision;
}

}  // namespace tiphys::controllers
