#include "controllers/cluster_dns.h"

#include "base/strings.h"
#include "controllers/endpoint_slices.h"
#include "controllers/resources.h"
#include "kinds/core_v1.h"
#include "kinds/ip_address.h"

namespace tiphys::controllers {

namespace {

using core_v1::Service;
using core_v1::ServiceEdit;
using discovery_v1::EndpointEdit;
using discovery_v1::EndpointSlice;
using discovery_v1::EndpointSliceEdit;

constexpr const char* kNamespace = "kube-system";
constexpr const char* kName = "kube-dns";
constexpr std::string_view kKey = "kube-system/kube-dns";
constexpr std::string_view kManager = "cluster-dns-controller.tiphys.io";
constexpr std::string_view kAnnouncement = "tiphys.io/dns-address";
constexpr size_t kMaxNameBytes = 253;
constexpr const char* kBySlices = "cluster-dns";

struct PortRow {
  const char* name;
  const char* protocol;
  int32_t port;
};
constexpr PortRow kPorts[] = {{"dns", "UDP", 53}, {"dns-tcp", "TCP", 53}, {"metrics", "TCP", 9153}};

bool is_ready(const Object& node) {
  for (core_v1::NodeCondition condition : core_v1::Node(node).status().conditions()) {
    if (condition.type() == "Ready") return condition.status() == "True";
  }
  return false;
}

std::string_view announced(const Object& node) {
  return metadata(node).annotations().find(kAnnouncement);
}

// Nothing but what endpoints are made of: a heartbeat is no change.
bool same_for_dns(const Object& a, const Object& b) {
  return announced(a) == announced(b) && is_ready(a) == is_ready(b) &&
         metadata(a).uid() == metadata(b).uid();
}

void put_endpoint(EndpointEdit endpoint, const Object& node, const std::string& address) {
  bool ready = is_ready(node);
  std::string_view name = metadata(node).name();
  endpoint.edit_addresses().append(address);
  endpoint.edit_conditions().set_ready(ready);
  endpoint.edit_conditions().set_serving(ready);
  endpoint.edit_conditions().set_terminating(false);
  endpoint.set_node_name(name);
  endpoint.edit_hints().edit_for_nodes().append().set_name(name);
}

// Of the node, or what stands for a name that leaves no room.
std::string slice_name(std::string_view node, const std::string& family) {
  std::string end = "-" + to_lower(family);
  size_t room = kMaxNameBytes - std::string_view(kName).size() - 1 - end.size();
  std::string middle = node.size() <= room ? std::string(node) : std::to_string(fnv64a(node));
  return std::string(kName) + "-" + middle + end;
}

ObjectPtr new_slice(const Object& service, const Object& node, const IpAddress& address) {
  Draft draft = EndpointSlice::make();
  EndpointSliceEdit slice(draft);
  std::string family = address.v6 ? "IPv6" : "IPv4";
  meta_v1::ObjectMetaEdit meta = slice.edit_metadata();
  meta.set_name(slice_name(metadata(node).name(), family));
  meta.set_namespace(kNamespace);
  meta.edit_labels().set(kSliceServiceName, kName);
  meta.edit_labels().set(kSliceManagedBy, kManager);
  meta.edit_labels().set("k8s-app", kName);
  meta_v1::OwnerReferenceEdit owner = meta.edit_owner_references().append();
  owner.set_api_version("v1");
  owner.set_kind("Service");
  owner.set_name(kName);
  owner.set_uid(metadata(service).uid());
  owner.set_controller(true);
  slice.set_address_type(family);
  put_endpoint(slice.edit_endpoints().append(), node, canonical_text(address));
  ServicePorts ports;
  for (const PortRow& row : kPorts) ports.push_back({row.name, row.protocol, "", row.port});
  put_ports(slice, ports);
  return draft.freeze();
}

// The slice that is there, with the endpoints and ports that it shall have.
ObjectPtr amended(const Object& present, const Object& wanted) {
  Draft draft(present);
  EndpointSliceEdit slice(draft);
  slice.set_endpoints(EndpointSlice(wanted).endpoints());
  slice.set_ports(EndpointSlice(wanted).ports());
  slice.edit_metadata().edit_labels().set("k8s-app", kName);
  return draft.freeze();
}

}  // namespace

ClusterDnsController::ClusterDnsController(Context context, std::vector<std::string> addresses)
    : Controller(context, "cluster-dns-controller", 1),
      addresses_(std::move(addresses)),
      services_(watch(services())),
      nodes_(watch(nodes())),
      slices_(watch(endpoint_slices())) {
  slices_.add_index(kBySlices,
                    [](const Object& slice) { return service_of_slice(slice, kManager); });
  services_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    if (client::object_key(now ? *now : *old) == kKey) enqueue(std::string(kKey));
  });
  nodes_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    if (old && now && same_for_dns(*old, *now)) return;
    enqueue(std::string(kKey));
  });
  slices_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    if (!service_of_slice(now ? *now : *old, kManager).empty()) enqueue(std::string(kKey));
  });
}

ObjectPtr ClusterDnsController::new_service() const {
  Draft draft = Service::make();
  ServiceEdit service(draft);
  service.edit_metadata().set_name(kName);
  service.edit_metadata().set_namespace(kNamespace);
  auto labels = service.edit_metadata().edit_labels();
  labels.set("k8s-app", kName);
  labels.set("kubernetes.io/cluster-service", "true");
  labels.set("kubernetes.io/name", "CoreDNS");
  auto annotations = service.edit_metadata().edit_annotations();
  annotations.set("prometheus.io/port", "9153");
  annotations.set("prometheus.io/scrape", "true");
  service.edit_spec().set_cluster_ip(addresses_.front());
  if (addresses_.size() > 1) {
    for (const std::string& address : addresses_) {
      service.edit_spec().edit_cluster_ips().append(address);
    }
    service.edit_spec().set_ip_family_policy("PreferDualStack");
  }
  service.edit_spec().set_traffic_distribution("PreferSameNode");
  for (const PortRow& row : kPorts) {
    core_v1::ServicePortEdit port = service.edit_spec().edit_ports().append();
    port.set_name(row.name);
    port.set_protocol(row.protocol);
    port.set_port(row.port);
  }
  return draft.freeze();
}

std::map<std::string, ObjectPtr> ClusterDnsController::wanted_slices(const Object& service) const {
  std::map<std::string, ObjectPtr> wanted;
  for (const ObjectPtr& node : nodes_.list()) {
    for (std::string_view text : split(announced(*node), ',')) {
      std::optional<IpAddress> address = parse_ip(text);
      // A node may say what it wants: what never can be an endpoint is none.
      if (!address || address->is_loopback() || address->is_unspecified() ||
          address->is_link_local() || address->is_link_local_multicast()) {
        continue;
      }
      ObjectPtr slice = new_slice(service, *node, *address);
      wanted.emplace(metadata(*slice).name(), slice);
    }
  }
  return wanted;
}

void ClusterDnsController::add_slice_actions(const std::map<std::string, ObjectPtr>& wanted,
                                             Decision& decision) const {
  std::map<std::string, ObjectPtr> missing = wanted;
  for (const ObjectPtr& present : slices_.by_index(kBySlices, kKey)) {
    auto found = missing.find(std::string(metadata(*present).name()));
    if (found == missing.end()) {
      decision.add(delete_action(endpoint_slices(), present)).batch = kDeletions;
      continue;
    }
    ObjectPtr fixed = amended(*present, *found->second);
    if (!equal(EndpointSlice(*present), EndpointSlice(*fixed))) {
      decision.add(update_action(endpoint_slices(), fixed)).batch = kUpdates;
    }
    missing.erase(found);
  }
  for (const auto& [name, slice] : missing) {
    decision.add(create_action(endpoint_slices(), slice)).batch = kCreations;
  }
}

Decision ClusterDnsController::reconcile(const std::string& key, MicroTime now) {
  Decision decision;
  ObjectPtr service = services_.get(kNamespace, kName);
  if (!service) {
    bool any = false;
    for (const ObjectPtr& node : nodes_.list()) any = any || !announced(*node).empty();
    if (any) decision.add(create_action(services(), new_service()));
    return decision;
  }
  bool foreign = !Service(*service).spec().selector().empty() || is_deleting(*service);
  add_slice_actions(foreign ? std::map<std::string, ObjectPtr>() : wanted_slices(*service),
                    decision);
  return decision;
}

}  // namespace tiphys::controllers
