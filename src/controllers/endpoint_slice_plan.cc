// plan_slices: one Service's slices, one address family at a time.
#include <algorithm>

#include "controllers/endpoint_slice.h"
#include "controllers/resources.h"
#include "kinds/pods.h"

namespace tiphys::controllers {

namespace {

constexpr std::string_view kZone = "topology.kubernetes.io/zone";
constexpr std::string_view kDisabled = "TopologyAwareHintsDisabled";
// Events hold no longer messages.
constexpr size_t kMaxMessageBytes = 1024;

std::string what_failed(const Object& service) {
  return "Error updating Endpoint Slices for Service " + client::object_key(service) + ": ";
}

void put_endpoint(discovery_v1::EndpointEdit endpoint, const core_v1::Service& service,
                  const core_v1::Pod& pod, const Object* node, std::string_view address) {
  endpoint.edit_addresses().append(address);
  bool terminating = pod.metadata().has_deletion_timestamp();
  bool serving = kinds::is_ready(pod);
  bool ready = service.spec().publish_not_ready_addresses() || (serving && !terminating);
  endpoint.edit_conditions().set_ready(ready);
  endpoint.edit_conditions().set_serving(serving);
  endpoint.edit_conditions().set_terminating(terminating);
  put_target(endpoint.edit_target_ref(), pod);
  if (!pod.spec().node_name().empty()) endpoint.set_node_name(pod.spec().node_name());
  std::string_view zone = node ? metadata(*node).labels().find(kZone) : std::string_view();
  if (!zone.empty()) endpoint.set_zone(zone);
  std::string_view hostname = hostname_for(service, pod);
  if (!hostname.empty()) endpoint.set_hostname(hostname);
}

bool is_owned_by(const Object& slice, const Object& service) {
  for (meta_v1::OwnerReference owner : metadata(slice).owner_references()) {
    bool service_kind = owner.kind() == "Service" && owner.api_version() == "v1";
    if (service_kind && owner.uid() == metadata(service).uid()) return true;
  }
  return false;
}

void put_labels(meta_v1::ObjectMetaEdit meta, const core_v1::Service& service) {
  if (service.metadata().labels().empty()) {
    meta.clear_labels();
  } else {
    meta.set_labels(service.metadata().labels());
  }
  meta.edit_labels().set(kSliceServiceName, service.metadata().name());
  meta.edit_labels().set(kSliceManagedBy, kSliceController);
  put_headless_label(meta, service);
}

// The addresses of Services from before there were families: either family may be theirs.
std::vector<std::string_view> families_of(const core_v1::Service& service) {
  std::vector<std::string_view> families;
  for (std::string_view family : service.spec().ip_families()) families.push_back(family);
  if (!families.empty()) return families;
  if (!has_cluster_ip(service)) return {"IPv4", "IPv6"};
  return {is_ipv6(service.spec().cluster_ip()) ? "IPv6" : "IPv4"};
}

// One address family of one Service.
class FamilyPlanner {
 public:
  FamilyPlanner(const SliceWorld& world, std::string_view family, SlicePlan& plan)
      : world_(world), service_(*world.service), family_(family), plan_(plan) {}
  void run(const std::vector<ObjectPtr>& known);

 private:
  std::map<ServicePorts, EndpointSet> wanted();
  void put_hints(std::vector<PlannedSlice>& slices);
  Draft built(const PlannedSlice& slice) const;
  void emit(const PlannedSlice& slice);
  void note(std::string_view type, std::string_view reason, const std::string& message);

  const SliceWorld& world_;
  core_v1::Service service_;
  std::string_view family_;
  SlicePlan& plan_;
  Draft arena_ = discovery_v1::EndpointSlice::make();
  discovery_v1::EndpointSliceEdit scratch_{arena_};  // holds the endpoints
};

std::map<ServicePorts, EndpointSet> FamilyPlanner::wanted() {
  std::map<ServicePorts, EndpointSet> groups;
  for (const ObjectPtr& object : world_.pods) {
    core_v1::Pod pod(*object);
    std::string address = address_of(pod, family_ == "IPv6");
    if (!belongs_in_endpoints(pod, true) || address.empty()) continue;
    ObjectPtr node = world_.node(pod.spec().node_name());
    if (!node && !service_.spec().publish_not_ready_addresses()) continue;
    discovery_v1::EndpointEdit endpoint = scratch_.edit_endpoints().append();
    put_endpoint(endpoint, service_, pod, node.get(), address);
    groups[ports_on(service_, pod)].emplace(key_of(endpoint.view()), endpoint);
  }
  return groups;
}

void FamilyPlanner::note(std::string_view type, std::string_view reason,
                         const std::string& message) {
  plan_.notes.push_back({world_.service, std::string(type), std::string(reason),
                         message + ", addressType: " + std::string(family_)});
}

void FamilyPlanner::put_hints(std::vector<PlannedSlice>& slices) {
  bool had = world_.hints.contains(family_);
  if (!wants_topology_hints(service_)) {
    if (had) note("Warning", kDisabled, "Topology Aware Hints has been disabled");
    put_distribution_hints(slices, service_.spec().traffic_distribution());
    return;
  }
  TopologyHints hints = put_topology_hints(slices, world_.zones);
  if (!hints.problem.empty()) {
    note("Warning", kDisabled, hints.problem);
    return;
  }
  if (!had) note("Normal", "TopologyAwareHintsEnabled", "Topology Aware Hints has been enabled");
  plan_.hints.emplace(family_, std::move(hints.counts));
}

Draft FamilyPlanner::built(const PlannedSlice& slice) const {
  Draft draft = slice.object ? Draft(*slice.object) : discovery_v1::EndpointSlice::make();
  discovery_v1::EndpointSliceEdit edit(draft);
  meta_v1::ObjectMetaEdit meta = edit.edit_metadata();
  put_labels(meta, service_);
  if (!slice.object) {
    meta.set_generate_name(slice_name_prefix(service_.metadata().name()));
    meta.set_namespace(service_.metadata().namespace_());
    set_controller(draft, *world_.service);
    edit.set_address_type(family_);
  }
  if (slice.object && !slice.changed) return draft;
  edit.clear_endpoints();
  for (const discovery_v1::EndpointEdit& endpoint : slice.endpoints) {
    edit.edit_endpoints().append(endpoint.view());
  }
  put_ports(edit, slice.ports);
  return draft;
}

void FamilyPlanner::emit(const PlannedSlice& slice) {
  // The slices of a Service that goes would only be in the garbage collector's way.
  if (!slice.object && is_deleting(*world_.service)) return;
  Draft draft = built(slice);
  if (slice.object && equal(View(draft), View(*slice.object))) return;
  put_trigger_time(discovery_v1::EndpointSliceEdit(draft).edit_metadata(), world_.trigger);
  ObjectPtr object = draft.freeze();
  Action action = slice.object ? update_action(endpoint_slices(), object)
                               : create_action(endpoint_slices(), object);
  action.batch = slice.object ? kUpdates : kCreations;
  std::string which =
      slice.object ? "failed to update " + std::string(name_of(*object)) : "failed to create";
  action.failure = Note{world_.service, "Warning", "FailedToUpdateEndpointSlices",
                        what_failed(*world_.service) + which + " EndpointSlice for Service " +
                            client::object_key(*world_.service) + ": "};
  plan_.decision.add(std::move(action));
}

void add_deletion(const ObjectPtr& slice, SlicePlan& plan) {
  Action action = delete_action(endpoint_slices(), slice);
  action.batch = kDeletions;
  plan.decision.add(std::move(action));
}

void FamilyPlanner::run(const std::vector<ObjectPtr>& known) {
  Packing packing = pack_endpoints(known, wanted(), world_.limit);
  put_hints(packing.slices);
  for (const PlannedSlice& slice : packing.slices) emit(slice);
  for (const ObjectPtr& slice : packing.unneeded) add_deletion(slice, plan_);
}

// Pods that are left out because their node is not there.
void note_missing_nodes(const SliceWorld& world, SlicePlan& plan) {
  core_v1::Service service(*world.service);
  if (service.spec().publish_not_ready_addresses()) return;
  std::vector<std::string> problems;
  for (const ObjectPtr& object : world.pods) {
    core_v1::Pod pod(*object);
    std::string node(pod.spec().node_name());
    if (!belongs_in_endpoints(pod, true) || world.node(node)) continue;
    problems.push_back("skipping Pod " + std::string(name_of(*object)) + " for Service " +
                       client::object_key(*world.service) + ": Node " + node + " Not Found");
  }
  if (problems.empty()) return;
  std::string message = what_failed(*world.service) + (problems.size() > 1 ? "[" : "");
  for (size_t i = 0; i < problems.size(); ++i) message += (i > 0 ? ", " : "") + problems[i];
  if (problems.size() > 1) message += "]";
  if (message.size() > kMaxMessageBytes) message.resize(kMaxMessageBytes);
  plan.notes.push_back({world.service, "Warning", "FailedToUpdateEndpointSlices", message});
}

}  // namespace

SlicePlan plan_slices(const SliceWorld& world) {
  SlicePlan plan;
  std::vector<std::string_view> families = families_of(core_v1::Service(*world.service));
  std::map<std::string_view, std::vector<ObjectPtr>> known;
  for (const ObjectPtr& slice : world.slices) {
    std::string_view type = discovery_v1::EndpointSlice(*slice).address_type();
    bool ours = is_owned_by(*slice, *world.service);
    if (ours && std::ranges::find(families, type) != families.end()) {
      known[type].push_back(slice);
    } else {
      // Of another family, or of an earlier Service of the name.
      add_deletion(slice, plan);
    }
  }
  for (std::string_view family : families) FamilyPlanner(world, family, plan).run(known[family]);
  note_missing_nodes(world, plan);
  return plan;
}

}  // namespace tiphys::controllers
