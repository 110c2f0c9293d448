#include "controllers/endpoint_slice_mirroring.h"

#include <arpa/inet.h>

#include <map>

#include "controllers/resources.h"
#include "controllers/service_pods.h"
#include "kinds/discovery_v1.h"

namespace tiphys::controllers {

namespace {

constexpr std::string_view kServiceName = "kubernetes.io/service-name";
constexpr std::string_view kManagedBy = "endpointslice.kubernetes.io/managed-by";
constexpr std::string_view kManager = "endpointslicemirroring-controller.k8s.io";
constexpr std::string_view kSkipMirror = "endpointslice.kubernetes.io/skip-mirror";
constexpr std::string_view kLeader = "control-plane.alpha.kubernetes.io/leader";
constexpr std::string_view kByService = "mirrored-service";
// Annotations of Endpoints that say something about the Endpoints only.
constexpr std::string_view kNotMirrored[] = {"endpoints.kubernetes.io/last-change-trigger-time",
                                             "kubectl.kubernetes.io/last-applied-configuration"};

struct SliceKey {
  bool ipv6 = false;
  ServicePorts ports;
  auto operator<=>(const SliceKey&) const = default;
};
struct Entry {
  core_v1::EndpointAddress address;
  bool ready = true;
};
// By IP: an address stands once in a slice.
using Entries = std::map<std::string, Entry>;

std::vector<std::string> service_of_slice(const Object& slice) {
  auto labels = metadata(slice).labels();
  if (labels.find(kManagedBy) != kManager) return {};
  return {client::object_key(metadata(slice).namespace_(), labels.find(kServiceName))};
}

bool should_mirror(const Object& endpoints) {
  return metadata(endpoints).labels().find(kSkipMirror) != "true" &&
         !metadata(endpoints).annotations().contains(kLeader);
}

// Nothing: no IP address.
std::optional<bool> is_ipv6(std::string_view ip) {
  std::string text(ip);
  unsigned char bytes[sizeof(in6_addr)];
  if (inet_pton(AF_INET, text.c_str(), bytes) == 1) return false;
  if (inet_pton(AF_INET6, text.c_str(), bytes) == 1) return true;
  return std::nullopt;
}

ServicePorts ports_of(core_v1::EndpointSubset subset) {
  ServicePorts ports;
  for (core_v1::EndpointPort port : subset.ports()) {
    ports.push_back({std::string(port.name()), std::string(port.protocol()),
                     std::string(port.app_protocol()), port.port()});
  }
  return ports;
}

ServicePorts ports_of(discovery_v1::EndpointSlice slice) {
  ServicePorts ports;
  for (discovery_v1::EndpointPort port : slice.ports()) {
    ports.push_back({std::string(port.name()), std::string(port.protocol()),
                     std::string(port.app_protocol()), port.port()});
  }
  return ports;
}

struct Wanted {
  std::map<SliceKey, Entries> slices;
  size_t invalid = 0;
  size_t skipped = 0;  // invalid ones among them
};

void add_subset(Wanted& wanted, core_v1::EndpointSubset subset) {
  ServicePorts ports = ports_of(subset);
  size_t added = 0;
  size_t total = 0;
  auto add = [&](core_v1::EndpointAddress address, bool ready) {
    ++total;
    if (added >= kMaxEndpointsPerSubset) return;
    std::optional<bool> ipv6 = is_ipv6(address.ip());
    if (!ipv6) {
      ++wanted.invalid;
      return;
    }
    ++added;
    wanted.slices[{*ipv6, ports}].try_emplace(std::string(address.ip()), Entry{address, ready});
  };
  for (core_v1::EndpointAddress address : subset.addresses()) add(address, true);
  for (core_v1::EndpointAddress address : subset.not_ready_addresses()) add(address, false);
  wanted.skipped += total - added;
}

void put_endpoint(discovery_v1::EndpointEdit endpoint, const Entry& entry) {
  core_v1::EndpointAddress address = entry.address;
  endpoint.edit_addresses().append(address.ip());
  endpoint.edit_conditions().set_ready(entry.ready);
  if (address.has_target_ref()) endpoint.set_target_ref(address.target_ref());
  if (address.has_node_name()) endpoint.set_node_name(address.node_name());
  if (!address.hostname().empty()) endpoint.set_hostname(address.hostname());
}

ObjectPtr built(const Object& endpoints, const SliceKey& key, const Entries& entries,
                const ObjectPtr& known) {
  meta_v1::ObjectMeta from = metadata(endpoints);
  std::string name(from.name());
  Draft draft = known ? Draft(*known) : discovery_v1::EndpointSlice::make();
  discovery_v1::EndpointSliceEdit edit(draft);
  meta_v1::ObjectMetaEdit meta = edit.edit_metadata();
  meta.set_labels(from.labels());
  meta.edit_labels().set(kServiceName, name);
  meta.edit_labels().set(kManagedBy, kManager);
  meta.clear_annotations();
  for (auto [annotation, value] : from.annotations()) {
    if (std::ranges::find(kNotMirrored, annotation) != std::end(kNotMirrored)) continue;
    meta.edit_annotations().set(annotation, value);
  }
  if (!known) {
    meta.set_generate_name(name + "-");
    meta.set_namespace(from.namespace_());
    meta_v1::OwnerReferenceEdit owner = meta.edit_owner_references().append();
    owner.set_api_version("v1");
    owner.set_kind("Endpoints");
    owner.set_name(name);
    owner.set_uid(from.uid());
    owner.set_controller(true);
    owner.set_block_owner_deletion(true);
    edit.set_address_type(key.ipv6 ? "IPv6" : "IPv4");
  }
  edit.clear_endpoints();
  for (const auto& [ip, entry] : entries) put_endpoint(edit.edit_endpoints().append(), entry);
  edit.clear_ports();
  for (const ServicePort& port : key.ports) {
    discovery_v1::EndpointPortEdit to = edit.edit_ports().append();
    to.set_name(port.name);
    to.set_protocol(port.protocol);
    to.set_port(port.port);
    if (!port.app_protocol.empty()) to.set_app_protocol(port.app_protocol);
  }
  return draft.freeze();
}

void warn(Decision& decision, const ObjectPtr& endpoints, const Wanted& wanted) {
  if (wanted.invalid > 0) {
    decision.add(note_action(endpoints, "Warning", "InvalidIPAddress",
                             "Skipped " + std::to_string(wanted.invalid) +
                                 " invalid IP addresses when mirroring to EndpointSlices"));
  }
  if (wanted.skipped > wanted.invalid) {
    decision.add(
        note_action(endpoints, "Warning", "TooManyAddressesToMirror",
                    "A max of " + std::to_string(kMaxEndpointsPerSubset) +
                        " addresses can be mirrored to EndpointSlices per Endpoints subset. " +
                        std::to_string(wanted.skipped) + " addresses were skipped"));
  }
}

}  // namespace

Decision mirror_endpoints(const ObjectPtr& endpoints, const std::vector<ObjectPtr>& slices) {
  Wanted wanted;
  for (core_v1::EndpointSubset subset : core_v1::Endpoints(*endpoints).subsets()) {
    add_subset(wanted, subset);
  }
  Decision decision;
  std::vector<ObjectPtr> spare;
  auto put = [&](const SliceKey& key, const Entries& entries, const ObjectPtr& known) {
    ObjectPtr object = built(*endpoints, key, entries, known);
    if (!known) {
      decision.add(create_action(endpoint_slices(), object));
    } else if (!equal(View(*object), View(*known))) {
      decision.add(update_action(endpoint_slices(), object));
    }
  };
  std::map<SliceKey, Entries> left = wanted.slices;
  for (const ObjectPtr& object : slices) {
    discovery_v1::EndpointSlice slice(*object);
    auto found = left.find({slice.address_type() == "IPv6", ports_of(slice)});
    if (found == left.end()) {
      spare.push_back(object);
      continue;
    }
    put(found->first, found->second, object);
    left.erase(found);
  }
  // Slices whose ports are gone serve for new ones of their family.
  for (const auto& [key, entries] : left) {
    auto same_family = std::ranges::find_if(spare, [&](const ObjectPtr& object) {
      return (discovery_v1::EndpointSlice(*object).address_type() == "IPv6") == key.ipv6;
    });
    ObjectPtr known = same_family == spare.end() ? nullptr : *same_family;
    if (known) spare.erase(same_family);
    put(key, entries, known);
  }
  for (const ObjectPtr& object : spare) decision.add(delete_action(endpoint_slices(), object));
  // Told when something changes, not from look to look.
  if (!decision.actions.empty()) warn(decision, endpoints, wanted);
  return decision;
}

EndpointSliceMirroring::EndpointSliceMirroring(Context context)
    : Controller(context, "endpointslice-mirroring-controller"),
      endpoints_(watch(endpoints())),
      services_(watch(services())),
      slices_(watch(endpoint_slices())) {
  event_source_ = "endpoint-slice-mirroring-controller";
  slices_.add_index(std::string(kByService), service_of_slice);
  enqueue_changes(endpoints_);
  enqueue_changes(services_);
  slices_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    for (const ObjectPtr& slice : {old, now}) {
      if (!slice) continue;
      for (std::string& key : service_of_slice(*slice)) enqueue(std::move(key));
    }
  });
}

Decision EndpointSliceMirroring::reconcile(const std::string& key, MicroTime now) {
  auto [ns, name] = client::split_key(key);
  ObjectPtr known = endpoints_.get(ns, name);
  ObjectPtr service = services_.get(ns, name);
  std::vector<ObjectPtr> slices;
  for (ObjectPtr& slice : slices_.by_index(kByService, key)) {
    if (!is_deleting(*slice)) slices.push_back(std::move(slice));
  }
  bool mirrored = known && service && should_mirror(*known) &&
                  core_v1::Service(*service).spec().selector().empty();
  if (mirrored && !is_deleting(*known)) return mirror_endpoints(known, slices);
  Decision decision;
  for (const ObjectPtr& slice : slices) decision.add(delete_action(endpoint_slices(), slice));
  return decision;
}

}  // namespace tiphys::controllers
