#include "kinds/quota_usage.h"

#include <algorithm>
#include <span>

#include "base/time_math.h"
#include "kinds/quota_scopes.h"
#include "kinds/resource_v1.h"

namespace tiphys::kinds {
namespace {

constexpr std::string_view kStorageClassPart = ".storageclass.storage.k8s.io/";
constexpr std::string_view kDeviceClassPart = ".deviceclass.resource.k8s.io/devices";
constexpr std::string_view kClassAnnotation = "volume.beta.kubernetes.io/storage-class";
constexpr std::string_view kHugePages = "hugepages-";
constexpr std::string_view kRequests = "requests.";
constexpr int64_t kMaxDevices = 32;  // of one claim: what "all" may come to

constexpr std::string_view kComputeNames[] = {"cpu", "memory", "ephemeral-storage"};
constexpr std::string_view kPodNames[] = {"pods",
                                          "cpu",
                                          "memory",
                                          "ephemeral-storage",
                                          "requests.cpu",
                                          "requests.memory",
                                          "requests.ephemeral-storage",
                                          "limits.cpu",
                                          "limits.memory",
                                          "limits.ephemeral-storage"};
constexpr std::string_view kServiceNames[] = {"services", "services.nodeports",
                                              "services.loadbalancers"};
constexpr std::string_view kClaimNames[] = {"persistentvolumeclaims", "requests.storage"};
// Core resources that are also counted under their plain names.
constexpr std::string_view kAliases[] = {"configmaps", "resourcequotas", "replicationcontrollers",
                                         "secrets"};

bool contains(std::span<const std::string_view> list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

// Names without a domain, or in kubernetes.io's, are Kubernetes' own.
bool is_native(std::string_view name) {
  return name.find('/') == name.npos || name.find("kubernetes.io/") != name.npos;
}

bool is_extended(std::string_view name) { return !is_native(name) && !name.starts_with(kRequests); }

// requests.<extended resource>: the only form that quotas know for them.
bool is_extended_request(std::string_view name) {
  return name.starts_with(kRequests) && !is_native(name);
}

bool about_pods(std::string_view name) {
  return contains(kPodNames, name) || name.starts_with(kHugePages) ||
         name.starts_with("requests.hugepages-") || is_extended_request(name);
}

bool about_claims(std::string_view name) {
  if (contains(kClaimNames, name)) return true;
  for (std::string_view own : kClaimNames) {
    if (name.ends_with(std::string(kStorageClassPart) + std::string(own))) return true;
  }
  return false;
}

bool is_about(std::string_view group, std::string_view resource, std::string_view name) {
  if (name == object_count_name(group, resource)) return true;
  if (group == "resource.k8s.io" && resource == "resourceclaims") {
    return name.ends_with(kDeviceClassPart);
  }
  if (!group.empty()) return false;
  if (resource == "pods") return about_pods(name);
  if (resource == "services") return contains(kServiceNames, name);
  if (resource == "persistentvolumeclaims") return about_claims(name);
  return contains(kAliases, resource) && name == resource;
}

void add_compute(ResourceSums& usage, const ResourceSums& requests, const ResourceSums& limits) {
  usage["pods"] = Quantity(1);
  for (const auto& [name, amount] : requests) {
    if (contains(kComputeNames, name) || name.starts_with(kHugePages)) usage[name] = amount;
    bool asked = contains(kComputeNames, name) || name.starts_with(kHugePages) || is_extended(name);
    if (asked) usage[std::string(kRequests) + name] = amount;
  }
  for (const auto& [name, amount] : limits) {
    if (contains(kComputeNames, name)) usage["limits." + name] = amount;
  }
}

ResourceSums usage_of_pod(const core_v1::Pod& pod, MicroTime now) {
  ResourceSums usage{{"count/pods", Quantity(1)}};
  if (!counts_for_quota(pod, now)) return usage;
  add_compute(usage, held_requests(pod), held_limits(pod));
  return usage;
}

ResourceSums usage_of_service(const core_v1::Service& service) {
  core_v1::ServiceSpec spec = service.spec();
  bool balanced = spec.type() == "LoadBalancer";
  // Ports are given out later: what counts is the intent.
  bool all = spec.type() == "NodePort" || balanced;
  bool only_named = balanced && spec.has_allocate_load_balancer_node_ports() &&
                    !spec.allocate_load_balancer_node_ports();
  int64_t ports = 0;
  for (const auto& port : spec.ports()) {
    if (only_named ? port.node_port() != 0 : all) ++ports;
  }
  return {{"count/services", Quantity(1)},
          {"services", Quantity(1)},
          {"services.nodeports", Quantity(ports)},
          {"services.loadbalancers", Quantity(balanced ? 1 : 0)}};
}

// In whole bytes; what a failed expansion holds allocated counts too.
std::optional<Quantity> storage_of(const core_v1::PersistentVolumeClaim& claim) {
  auto requests = claim.spec().resources().requests();
  if (!requests.contains("storage")) return std::nullopt;
  Quantity wanted = Quantity::of(requests.find("storage"));
  Quantity allocated = Quantity::of(claim.status().allocated_resources().find("storage"));
  if (wanted < allocated) wanted = allocated;
  return Quantity(wanted.value()) == wanted ? wanted : Quantity(wanted.value(), wanted.format());
}

ResourceSums usage_of_claim(const core_v1::PersistentVolumeClaim& claim) {
  ResourceSums usage{{"count/persistentvolumeclaims", Quantity(1)},
                     {"persistentvolumeclaims", Quantity(1)}};
  std::string_view name = claim.spec().storage_class_name();
  auto annotations = claim.metadata().annotations();
  if (annotations.contains(kClassAnnotation)) name = annotations.find(kClassAnnotation);
  std::string prefix = std::string(name) + std::string(kStorageClassPart);
  if (!name.empty()) usage[prefix + "persistentvolumeclaims"] = Quantity(1);
  auto storage = storage_of(claim);
  if (!storage) return usage;
  usage["requests.storage"] = *storage;
  if (!name.empty()) usage[prefix + "requests.storage"] = *storage;
  return usage;
}

template <class Request>
int64_t devices_of(const Request& request) {
  if (request.allocation_mode() == "All") return kMaxDevices;
  return request.allocation_mode() == "ExactCount" ? request.count() : 0;
}

std::string device_name(std::string_view device_class) {
  return std::string(device_class) + std::string(kDeviceClassPart);
}

ResourceSums usage_of_device_claim(const resource_v1::ResourceClaim& claim) {
  ResourceSums usage{{"count/resourceclaims.resource.k8s.io", Quantity(1)}};
  for (const auto& request : claim.spec().devices().requests()) {
    // Of alternatives the worst one of each class.
    ResourceSums worst;
    for (const auto& choice : request.first_available()) {
      Quantity& most = worst[device_name(choice.device_class_name())];
      if (most < Quantity(devices_of(choice))) most = Quantity(devices_of(choice));
    }
    if (request.first_available().empty() && request.has_exactly()) {
      auto exactly = request.exactly();
      worst[device_name(exactly.device_class_name())] = Quantity(devices_of(exactly));
    }
    for (const auto& [name, amount] : worst) usage[name] += amount;
  }
  return usage;
}

}  // namespace

bool quota_ignores(std::string_view group, std::string_view resource) {
  if (resource == "events") return group.empty() || group == "events.k8s.io";
  if (group == "authentication.k8s.io" || group == "authorization.k8s.io") return true;
  return group.empty() && (resource == "bindings" || resource == "componentstatuses");
}

std::string object_count_name(std::string_view group, std::string_view resource) {
  std::string name = "count/" + std::string(resource);
  return group.empty() ? name : name + "." + std::string(group);
}

ResourceNames quota_names_about(std::string_view group, std::string_view resource,
                                const ResourceNames& names) {
  ResourceNames found;
  for (const std::string& name : names) {
    if (is_about(group, resource, name)) found.insert(name);
  }
  return found;
}

ResourceSums quota_usage(std::string_view group, std::string_view resource, const Node& root,
                         MicroTime now) {
  if (group == "resource.k8s.io" && resource == "resourceclaims") {
    return usage_of_device_claim(resource_v1::ResourceClaim(root));
  }
  if (group.empty() && resource == "pods") return usage_of_pod(core_v1::Pod(root), now);
  if (group.empty() && resource == "services") return usage_of_service(core_v1::Service(root));
  if (group.empty() && resource == "persistentvolumeclaims") {
    return usage_of_claim(core_v1::PersistentVolumeClaim(root));
  }
  ResourceSums usage{{object_count_name(group, resource), Quantity(1)}};
  if (group.empty() && contains(kAliases, resource)) usage[std::string(resource)] = Quantity(1);
  return usage;
}

bool claim_usage_may_differ(const core_v1::PersistentVolumeClaim& now,
                            const core_v1::PersistentVolumeClaim& old) {
  Quantity before = Quantity::of(old.status().allocated_resources().find("storage"));
  Quantity after = Quantity::of(now.status().allocated_resources().find("storage"));
  return before != after || volume_attributes_classes(now) != volume_attributes_classes(old);
}

bool counts_for_quota(const core_v1::Pod& pod, MicroTime now) {
  if (is_finished(pod)) return false;
  auto metadata = pod.metadata();
  if (!metadata.has_deletion_timestamp() || !metadata.has_deletion_grace_period_seconds()) {
    return true;
  }
  return now <=
         seconds_after(metadata.deletion_timestamp(), metadata.deletion_grace_period_seconds());
}

ResourceSums quantities(const MapView<std::string_view>& map) {
  ResourceSums sums;
  for (const auto& entry : map) sums[std::string(entry.key)] = Quantity::of(entry.value);
  return sums;
}

ResourceNames names_of(const ResourceSums& sums) {
  ResourceNames names;
  for (const auto& [name, amount] : sums) names.insert(name);
  return names;
}

ResourceSums masked(const ResourceSums& sums, const ResourceNames& names) {
  ResourceSums found;
  for (const auto& [name, amount] : sums) {
    if (names.contains(name)) found[name] = amount;
  }
  return found;
}

}  // namespace tiphys::kinds
