#include "controllers/endpoint_slice_mirroring.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "base/strings.h"
#include "controllers/endpoint_slices.h"
#include "controllers/endpoint_subsets.h"
#include "controllers/resources.h"
#include "kinds/ip_address.h"

namespace tiphys::controllers {

namespace {

constexpr std::string_view kManager = "endpointslicemirroring-controller.k8s.io";
constexpr std::string_view kSkipMirror = "endpointslice.kubernetes.io/skip-mirror";
constexpr std::string_view kLeader = "control-plane.alpha.kubernetes.io/leader";
constexpr std::string_view kByService = "mirrored-service";
constexpr client::WorkQueue::BackOff kBackOff = {.base = std::chrono::seconds(1),
                                                 .limit = std::chrono::seconds(100)};
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
// IP, host name, and the target's namespace and name.
using EntryKey = std::tuple<std::string, std::string, std::string, std::string>;
using Entries = std::map<EntryKey, Entry>;

bool should_mirror(const Object& endpoints) {
  return metadata(endpoints).labels().find(kSkipMirror) != "true" &&
         !metadata(endpoints).annotations().contains(kLeader);
}

struct Wanted {
  std::map<SliceKey, Entries> slices;
  size_t invalid = 0;
  size_t skipped = 0;  // invalid ones among them
};

EntryKey entry_key(core_v1::EndpointAddress address, std::string ip) {
  core_v1::ObjectReference target = address.target_ref();
  return {std::move(ip), std::string(address.hostname()), std::string(target.namespace_()),
          std::string(target.name())};
}

void add_subset(Wanted& wanted, const EndpointSubset& subset, size_t limit) {
  size_t added = 0;
  auto add = [&](core_v1::EndpointAddress address, bool ready) {
    if (added >= limit) return;
    std::optional<IpAddress> ip = parse_ip(address.ip());
    if (!ip) {
      ++wanted.invalid;
      return;
    }
    ++added;
    Entries& entries = wanted.slices[{ip->v6, subset.ports}];
    entries.try_emplace(entry_key(address, canonical_text(*ip)), Entry{address, ready});
  };
  for (core_v1::EndpointAddress address : subset.ready) add(address, true);
  for (core_v1::EndpointAddress address : subset.not_ready) add(address, false);
  wanted.skipped += subset.ready.size() + subset.not_ready.size() - added;
}

void put_endpoint(discovery_v1::EndpointEdit endpoint, std::string_view ip, const Entry& entry) {
  core_v1::EndpointAddress address = entry.address;
  endpoint.edit_addresses().append(ip);
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
  meta.edit_labels().set(kSliceServiceName, name);
  meta.edit_labels().set(kSliceManagedBy, kManager);
  meta.clear_annotations();
  for (auto [annotation, value] : from.annotations()) {
    if (std::ranges::find(kNotMirrored, annotation) != std::end(kNotMirrored)) continue;
    meta.edit_annotations().set(annotation, value);
  }
  // Endpoints of the same name may have been made anew.
  meta.clear_owner_references();
  set_controller(draft, endpoints);
  if (!known) {
    meta.set_generate_name(slice_name_prefix(name));
    meta.set_namespace(from.namespace_());
    edit.set_address_type(key.ipv6 ? "IPv6" : "IPv4");
  }
  edit.clear_endpoints();
  for (const auto& [at, entry] : entries) {
    put_endpoint(edit.edit_endpoints().append(), std::get<0>(at), entry);
  }
  put_ports(edit, key.ports);
  return draft.freeze();
}

void warn(Decision& decision, const ObjectPtr& endpoints, const Wanted& wanted, size_t limit) {
  if (wanted.invalid > 0) {
    decision.add(note_action(endpoints, "Warning", "InvalidIPAddress",
                             "Skipped " + std::to_string(wanted.invalid) +
                                 " invalid IP addresses when mirroring to EndpointSlices"));
  }
  if (wanted.skipped > wanted.invalid) {
    decision.add(
        note_action(endpoints, "Warning", "TooManyAddressesToMirror",
                    "A max of " + std::to_string(limit) +
                        " addresses can be mirrored to EndpointSlices per Endpoints subset. " +
                        std::to_string(wanted.skipped) + " addresses were skipped"));
  }
}

}  // namespace

Decision mirror_endpoints(const ObjectPtr& endpoints, const std::vector<ObjectPtr>& slices,
                          size_t limit) {
  Wanted wanted;
  for (const EndpointSubset& subset : subsets_of(core_v1::Endpoints(*endpoints))) {
    add_subset(wanted, subset, limit);
  }
  Decision decision;
  std::vector<ObjectPtr> spare;
  auto put = [&](const SliceKey& key, const Entries& entries, const ObjectPtr& known) {
    ObjectPtr object = built(*endpoints, key, entries, known);
    if (known && !equal(View(*object), View(*known))) {
      decision.add(update_action(endpoint_slices(), object)).batch = kUpdates;
    } else if (!known && !is_deleting(*endpoints)) {
      decision.add(create_action(endpoint_slices(), object)).batch = kCreations;
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
  for (const ObjectPtr& object : spare) {
    decision.add(delete_action(endpoint_slices(), object)).batch = kDeletions;
  }
  decision.tag = std::to_string(wanted.skipped);
  // Told when something changes, not from look to look.
  if (!decision.actions.empty()) warn(decision, endpoints, wanted, limit);
  return decision;
}

EndpointSliceMirroring::EndpointSliceMirroring(Context context, Options options)
    : Controller(context, "endpointslice-mirroring-controller", 1, kBackOff),
      options_(options),
      endpoints_(watch(endpoints())),
      services_(watch(services())),
      slices_(watch(endpoint_slices())),
      totals_(context.metrics.mirroring) {
  event_source_ = "endpoint-slice-mirroring-controller";
  slices_.add_index(std::string(kByService),
                    [](const Object& slice) { return service_of_slice(slice, kManager); });
  enqueue_changes(endpoints_);
  enqueue_changes(services_);
  slices_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    for (const ObjectPtr& slice : {old, now}) {
      if (!slice) continue;
      for (std::string& key : service_of_slice(*slice, kManager)) {
        enqueue_after(std::move(key), options_.batch_period);
      }
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
  std::ranges::sort(slices, {}, [](const ObjectPtr& slice) { return name_of(*slice); });
  bool mirrored = known && service && should_mirror(*known) &&
                  core_v1::Service(*service).spec().selector().empty();
  if (mirrored) {
    return mirror_endpoints(known, slices, static_cast<size_t>(options_.max_endpoints_per_subset));
  }
  Decision decision;
  for (const ObjectPtr& slice : slices) decision.add(delete_action(endpoint_slices(), slice));
  return decision;
}

// The decision's tag says how many addresses are left out; "": nothing is mirrored.
void EndpointSliceMirroring::decided(const std::string& key, const Decision& decision) {
  std::optional<int64_t> skipped = parse_int(decision.tag);
  std::vector<ObjectPtr> slices = slices_.by_index(kByService, key);
  if (!skipped && slices.empty()) return totals_.erase(key);
  SliceCounts counts = count_slices(slices, decision.actions,
                                    static_cast<size_t>(options_.max_endpoints_per_subset));
  totals_.put(key, counts);
  MirroringMetrics& metrics = context_.metrics.mirroring;
  metrics.updated.get().observe(static_cast<double>(counts.updated));
  metrics.skipped.get().observe(static_cast<double>(skipped.value_or(0)));
}

void EndpointSliceMirroring::outcome(const std::string&, const Action& action,
                                     const ApiStatus* error) {
  if (!error) totals_.count_change(action);
}

void EndpointSliceMirroring::round_over(const std::string&, Duration took, const ApiStatus*) {
  context_.metrics.mirroring.sync_duration.get().observe(
      std::chrono::duration<double>(took).count());
}

}  // namespace tiphys::controllers
