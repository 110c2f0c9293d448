#include "controllers/endpoint_slice.h"

#include "controllers/ownership.h"
#include "controllers/pod_state.h"
#include "controllers/resources.h"
#include "kinds/discovery_v1.h"
#include "kinds/pods.h"

namespace tiphys::controllers {

namespace {

constexpr std::string_view kServiceName = "kubernetes.io/service-name";
constexpr std::string_view kManagedBy = "endpointslice.kubernetes.io/managed-by";
constexpr std::string_view kManager = "endpointslice-controller.k8s.io";
constexpr std::string_view kHeadless = "service.kubernetes.io/headless";
constexpr std::string_view kByService = "service";

std::vector<std::string> service_of_slice(const Object& slice) {
  auto labels = metadata(slice).labels();
  if (labels.find(kManagedBy) != kManager) return {};
  return {client::object_key(metadata(slice).namespace_(), labels.find(kServiceName))};
}

// Endpoints by (address, pod uid): what makes one endpoint the same as another over time.
using EndpointKey = std::pair<std::string, std::string>;
using Endpoints = std::map<EndpointKey, Draft>;

EndpointKey key_of(const discovery_v1::Endpoint& endpoint) {
  std::string address;
  if (!endpoint.addresses().empty()) address = endpoint.addresses()[0];
  return {address, std::string(endpoint.target_ref().uid())};
}

ServicePorts ports_of(const discovery_v1::EndpointSlice& slice) {
  ServicePorts ports;
  for (discovery_v1::EndpointPort port : slice.ports()) {
    ports.push_back({std::string(port.name()), std::string(port.protocol()),
                     std::string(port.app_protocol()), port.port()});
  }
  return ports;
}

// Who should use the endpoint, as spec.trafficDistribution asks for.
void put_hints(discovery_v1::EndpointEdit endpoint, std::string_view distribution) {
  if (distribution.empty()) return;
  std::string zone(endpoint.view().zone());
  std::string node(endpoint.view().node_name());
  if (!zone.empty()) endpoint.edit_hints().edit_for_zones().append().set_name(zone);
  if (distribution == "PreferSameNode" && !node.empty()) {
    endpoint.edit_hints().edit_for_nodes().append().set_name(node);
  }
}

Draft make_endpoint(const SliceWorld& world, const core_v1::Pod& pod, std::string_view address) {
  core_v1::Service service(*world.service);
  Draft draft(discovery_v1::Endpoint::message());
  discovery_v1::EndpointEdit endpoint(draft);
  endpoint.edit_addresses().append(address);
  bool terminating = pod.metadata().has_deletion_timestamp();
  bool serving = kinds::is_ready(pod);
  bool ready = service.spec().publish_not_ready_addresses() || (serving && !terminating);
  endpoint.edit_conditions().set_ready(ready);
  endpoint.edit_conditions().set_serving(serving);
  endpoint.edit_conditions().set_terminating(terminating);
  put_target(endpoint.edit_target_ref(), pod);
  std::string_view node = pod.spec().node_name();
  if (!node.empty()) endpoint.set_node_name(node);
  std::string zone = node.empty() ? "" : world.zone_of(node);
  if (!zone.empty()) endpoint.set_zone(zone);
  std::string_view hostname = hostname_for(service, pod);
  if (!hostname.empty()) endpoint.set_hostname(hostname);
  if (ready) put_hints(endpoint, service.spec().traffic_distribution());
  return draft;
}

// One address family of one Service.
class FamilyPlanner {
 public:
  FamilyPlanner(const SliceWorld& world, bool ipv6) : world_(world), ipv6_(ipv6) {}
  void plan(Decision& decision);

 private:
  struct Slice {
    ObjectPtr object;  // null: new
    ServicePorts ports;
    std::vector<Draft> endpoints;
    bool changed = false;
  };
  std::map<ServicePorts, Endpoints> wanted() const;
  void keep_what_fits(std::map<ServicePorts, Endpoints>& groups);
  void place(const ServicePorts& ports, Endpoints endpoints);
  void emit(Slice& slice, Decision& decision) const;
  ObjectPtr built(const Slice& slice) const;
  std::string_view type() const { return ipv6_ ? "IPv6" : "IPv4"; }

  const SliceWorld& world_;
  bool ipv6_;
  std::vector<Slice> slices_;
  std::vector<Slice> spare_;  // slices that nothing is left in
};

std::map<ServicePorts, Endpoints> FamilyPlanner::wanted() const {
  core_v1::Service service(*world_.service);
  std::map<ServicePorts, Endpoints> groups;
  for (const ObjectPtr& object : world_.pods) {
    core_v1::Pod pod(*object);
    std::string_view address = address_of(pod, ipv6_);
    if (!belongs_in_endpoints(pod, true) || address.empty()) continue;
    ServicePorts ports = ports_on(service, pod);
    if (ports.empty() && !(is_headless(service) && service.spec().ports().empty())) continue;
    EndpointKey key{std::string(address), std::string(pod.metadata().uid())};
    groups[ports].emplace(key, make_endpoint(world_, pod, address));
  }
  return groups;
}

// Endpoints that are still wanted stay where they are; `groups` is left with the homeless.
void FamilyPlanner::keep_what_fits(std::map<ServicePorts, Endpoints>& groups) {
  for (const ObjectPtr& object : world_.slices) {
    discovery_v1::EndpointSlice view(*object);
    if (view.address_type() != type()) continue;
    Slice slice{object, ports_of(view), {}, false};
    auto group = groups.find(slice.ports);
    for (discovery_v1::Endpoint endpoint : view.endpoints()) {
      auto node =
          group == groups.end() ? Endpoints::node_type() : group->second.extract(key_of(endpoint));
      if (node.empty()) {
        slice.changed = true;
        continue;
      }
      if (!equal(View(node.mapped()), View(endpoint.node()))) slice.changed = true;
      slice.endpoints.push_back(std::move(node.mapped()));
    }
    (slice.endpoints.empty() ? spare_ : slices_).push_back(std::move(slice));
  }
}

// Into slices that change anyway, then into any with room, then into new ones.
void FamilyPlanner::place(const ServicePorts& ports, Endpoints endpoints) {
  auto fill = [&](Slice& slice) {
    while (!endpoints.empty() && slice.endpoints.size() < kMaxEndpointsPerSlice) {
      slice.endpoints.push_back(std::move(endpoints.extract(endpoints.begin()).mapped()));
      slice.changed = true;
    }
  };
  for (bool only_changed : {true, false}) {
    for (Slice& slice : slices_) {
      if (slice.ports == ports && (slice.changed || !only_changed)) fill(slice);
    }
  }
  while (!endpoints.empty()) {
    Slice slice{nullptr, ports, {}, true};
    if (!spare_.empty()) {
      slice.object = std::move(spare_.back().object);
      spare_.pop_back();
    }
    fill(slice);
    slices_.push_back(std::move(slice));
  }
}

ObjectPtr FamilyPlanner::built(const Slice& slice) const {
  core_v1::Service service(*world_.service);
  std::string name(service.metadata().name());
  Draft draft = slice.object ? Draft(*slice.object) : discovery_v1::EndpointSlice::make();
  discovery_v1::EndpointSliceEdit edit(draft);
  meta_v1::ObjectMetaEdit meta = edit.edit_metadata();
  meta.set_labels(service.metadata().labels());
  meta.edit_labels().set(kServiceName, name);
  meta.edit_labels().set(kManagedBy, kManager);
  meta.edit_labels().erase(kHeadless);
  if (is_headless(service)) meta.edit_labels().set(kHeadless, "");
  if (!slice.object) {
    meta.set_generate_name(name + "-");
    meta.set_namespace(service.metadata().namespace_());
    set_controller(draft, *world_.service);
    edit.set_address_type(type());
  }
  edit.clear_endpoints();
  edit.clear_ports();
  auto endpoints = edit.edit_endpoints();
  for (const Draft& endpoint : slice.endpoints) {
    endpoints.append(discovery_v1::Endpoint(endpoint.root()));
  }
  for (const ServicePort& port : slice.ports) {
    discovery_v1::EndpointPortEdit to = edit.edit_ports().append();
    to.set_name(port.name);
    to.set_protocol(port.protocol);
    to.set_port(port.port);
    if (!port.app_protocol.empty()) to.set_app_protocol(port.app_protocol);
  }
  return draft.freeze();
}

void FamilyPlanner::emit(Slice& slice, Decision& decision) const {
  ObjectPtr object = built(slice);
  if (!slice.object) {
    decision.add(create_action(endpoint_slices(), object));
    return;
  }
  bool same_labels = equal(
      Value::of_node(ValueType::kMap, const_cast<Node*>(&metadata(*object).labels().node())),
      Value::of_node(ValueType::kMap, const_cast<Node*>(&metadata(*slice.object).labels().node())));
  if (slice.changed || !same_labels) decision.add(update_action(endpoint_slices(), object));
}

void FamilyPlanner::plan(Decision& decision) {
  std::map<ServicePorts, Endpoints> groups = wanted();
  keep_what_fits(groups);
  for (auto& [ports, endpoints] : groups) place(ports, std::move(endpoints));
  if (slices_.empty()) {
    // A Service without pods keeps one empty slice as a sign that it was looked at.
    Slice placeholder;
    placeholder.changed = true;
    if (!spare_.empty()) {
      placeholder.object = std::move(spare_.back().object);
      spare_.pop_back();
      discovery_v1::EndpointSlice view(*placeholder.object);
      placeholder.changed = !view.endpoints().empty() || !view.ports().empty();
    }
    slices_.push_back(std::move(placeholder));
  }
  for (Slice& slice : slices_) emit(slice, decision);
  for (const Slice& slice : spare_) decision.add(delete_action(endpoint_slices(), slice.object));
}

std::vector<bool> families_of(const SliceWorld& world) {
  core_v1::Service service(*world.service);
  std::vector<bool> families;
  for (std::string_view family : service.spec().ip_families()) families.push_back(family == "IPv6");
  if (!families.empty()) return families;
  for (const ObjectPtr& pod : world.pods) {
    std::string_view ip = core_v1::Pod(*pod).status().pod_ip();
    if (!ip.empty()) return {ip.find(':') != std::string_view::npos};
  }
  return {service.spec().cluster_ip().find(':') != std::string_view::npos};
}

}  // namespace

Decision plan_slices(const SliceWorld& world) {
  Decision decision;
  std::vector<bool> families = families_of(world);
  for (bool ipv6 : families) FamilyPlanner(world, ipv6).plan(decision);
  for (const ObjectPtr& slice : world.slices) {
    bool ipv6 = discovery_v1::EndpointSlice(*slice).address_type() == "IPv6";
    if (std::ranges::find(families, ipv6) == families.end()) {
      decision.add(delete_action(endpoint_slices(), slice));
    }
  }
  for (Action& action : decision.actions) {
    if (action.verb == Action::Verb::kDelete) continue;
    action.failure = Note{
        world.service, "Warning", "FailedToUpdateEndpointSlices",
        "Error updating Endpoint Slices for Service " + client::object_key(*world.service) + ": "};
  }
  return decision;
}

EndpointSliceController::EndpointSliceController(Context context)
    : Controller(context, "endpointslice-controller"),
      services_(watch(services())),
      pods_(watch(pods())),
      slices_(watch(endpoint_slices())),
      nodes_(watch(nodes())) {
  event_source_ = "endpoint-slice-controller";
  slices_.add_index(std::string(kByService), service_of_slice);
  enqueue_changes(services_);
  slices_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    if (old) slice_changed(*old);
    if (now) slice_changed(*now);
  });
  watch_service_pods(services_, pods_, [this](std::string key) { enqueue(std::move(key)); });
}

void EndpointSliceController::slice_changed(const Object& slice) {
  for (std::string& key : service_of_slice(slice)) enqueue(std::move(key));
}

Decision EndpointSliceController::reconcile(const std::string& key, MicroTime now) {
  auto [ns, name] = client::split_key(key);
  SliceWorld world;
  world.service = services_.get(ns, name);
  // Slices of a Service that is gone go with it, by their owner reference.
  if (!world.service || !selects_pods(core_v1::Service(*world.service))) return {};
  if (metadata(*world.service).has_deletion_timestamp()) return {};
  for (ObjectPtr& pod : pods_.list(ns)) {
    if (selects(core_v1::Service(*world.service), core_v1::Pod(*pod))) {
      world.pods.push_back(std::move(pod));
    }
  }
  for (ObjectPtr& slice : slices_.by_index(kByService, key)) {
    if (!metadata(*slice).has_deletion_timestamp()) world.slices.push_back(std::move(slice));
  }
  world.zone_of = [this](std::string_view node) -> std::string {
    ObjectPtr found = nodes_.get("", node);
    if (!found) return {};
    return std::string(metadata(*found).labels().find("topology.kubernetes.io/zone"));
  };
  return plan_slices(world);
}

}  // namespace tiphys::controllers
