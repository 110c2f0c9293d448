#include "apiserver/registry/gated_fields.h"

#include <algorithm>
#include <span>
#include <string>

namespace tiphys::apiserver {
namespace {

using Paths = std::span<const std::string_view>;

// Where objects keep the spec of their pods.
struct PodSpecRow {
  std::string_view group;
  std::string_view resource;
  std::string_view path;
};

constexpr PodSpecRow kPodSpecs[] = {
    {"", "pods", "spec"},
    {"", "podtemplates", "template.spec"},
    {"", "replicationcontrollers", "spec.template.spec"},
    {"apps", "deployments", "spec.template.spec"},
    {"apps", "replicasets", "spec.template.spec"},
    {"apps", "daemonsets", "spec.template.spec"},
    {"apps", "statefulsets", "spec.template.spec"},
    {"batch", "jobs", "spec.template.spec"},
    {"batch", "cronjobs", "spec.jobTemplate.spec.template.spec"},
};

// Resource of the rows about each pod spec, wherever it stands.
constexpr std::string_view kPodSpec = "<pod spec>";

struct GatedFields {
  std::string_view gate;
  std::string_view group;
  std::string_view resource;
  Paths paths;                   // "[]" leads into the items of a list or map; one in use keeps all
  std::string_view member = {};  // only structs in which this field is not empty are dropped
  bool always = false;           // dropped even if it is in use
  bool prune = false;            // a struct that is empty then goes too
};

constexpr std::string_view kStopSignals[] = {"containers[].lifecycle.stopSignal",
                                             "initContainers[].lifecycle.stopSignal",
                                             "ephemeralContainers[].lifecycle.stopSignal"};
constexpr std::string_view kTrustBundles[] = {"volumes[].projected.sources[].clusterTrustBundle"};
constexpr std::string_view kPodCertificates[] = {"volumes[].projected.sources[].podCertificate"};
constexpr std::string_view kWorkload[] = {"workloadRef"};
constexpr std::string_view kPodResources[] = {"status.resources", "status.allocatedResources"};
constexpr std::string_view kExtendedClaims[] = {"status.extendedResourceClaimStatus"};
constexpr std::string_view kResourceHealth[] = {
    "status.containerStatuses[].allocatedResourcesStatus",
    "status.initContainerStatuses[].allocatedResourcesStatus",
    "status.ephemeralContainerStatuses[].allocatedResourcesStatus"};
constexpr std::string_view kDeclaredFeatures[] = {"status.declaredFeatures"};
constexpr std::string_view kDataSourceRef[] = {"spec.dataSourceRef"};
constexpr std::string_view kLeaseStrategy[] = {"spec.strategy"};
constexpr std::string_view kPreferredHolder[] = {"spec.preferredHolder"};
constexpr std::string_view kTolerations[] = {
    "spec.devices.requests[].exactly.tolerations",
    "spec.devices.requests[].firstAvailable[].tolerations"};
constexpr std::string_view kTemplateTolerations[] = {
    "spec.spec.devices.requests[].exactly.tolerations",
    "spec.spec.devices.requests[].firstAvailable[].tolerations"};
constexpr std::string_view kConsumable[] = {"spec.devices.constraints[].distinctAttribute",
                                            "spec.devices.requests[].exactly.capacity",
                                            "spec.devices.requests[].firstAvailable[].capacity",
                                            "status.allocation.devices.results[].shareID",
                                            "status.allocation.devices.results[].consumedCapacity",
                                            "status.devices[].shareID"};
constexpr std::string_view kTemplateConsumable[] = {
    "spec.spec.devices.constraints[].distinctAttribute",
    "spec.spec.devices.requests[].exactly.capacity",
    "spec.spec.devices.requests[].firstAvailable[].capacity"};
constexpr std::string_view kResultConditions[] = {
    "status.allocation.devices.results[].bindingConditions",
    "status.allocation.devices.results[].bindingFailureConditions"};
constexpr std::string_view kExtendedName[] = {"spec.extendedResourceName"};
constexpr std::string_view kDeviceTaints[] = {"spec.devices[].taints"};
constexpr std::string_view kPartitions[] = {
    "spec.sharedCounters",     "spec.perDeviceNodeSelection", "spec.devices[].consumesCounters",
    "spec.devices[].nodeName", "spec.devices[].nodeSelector", "spec.devices[].allNodes"};
constexpr std::string_view kDeviceConditions[] = {"spec.devices[].bindingConditions",
                                                  "spec.devices[].bindingFailureConditions",
                                                  "spec.devices[].bindsToNode"};
constexpr std::string_view kShared[] = {"spec.devices[].allowMultipleAllocations",
                                        "spec.devices[].capacity[].requestPolicy"};

constexpr std::string_view kDevices = "resource.k8s.io";

constexpr GatedFields kRows[] = {
    {.gate = "ContainerStopSignals", .resource = kPodSpec, .paths = kStopSignals, .prune = true},
    {.gate = "ClusterTrustBundleProjection", .resource = kPodSpec, .paths = kTrustBundles},
    {.gate = "PodCertificateRequest", .resource = kPodSpec, .paths = kPodCertificates},
    {.gate = "GenericWorkload", .resource = kPodSpec, .paths = kWorkload},
    {.gate = "InPlacePodLevelResourcesVerticalScaling", .resource = "pods", .paths = kPodResources},
    {.gate = "DRAExtendedResource", .resource = "pods", .paths = kExtendedClaims},
    {.gate = "ResourceHealthStatus", .resource = "pods", .paths = kResourceHealth, .always = true},
    {.gate = "NodeDeclaredFeatures", .resource = "nodes", .paths = kDeclaredFeatures},
    {.gate = "CrossNamespaceVolumeDataSource",
     .resource = "persistentvolumeclaims",
     .paths = kDataSourceRef,
     .member = "namespace"},
    {.gate = "CoordinatedLeaderElection",
     .group = "coordination.k8s.io",
     .resource = "leases",
     .paths = kLeaseStrategy},
    {.gate = "CoordinatedLeaderElection",
     .group = "coordination.k8s.io",
     .resource = "leases",
     .paths = kPreferredHolder},
    {.gate = "DRADeviceTaints",
     .group = kDevices,
     .resource = "resourceclaims",
     .paths = kTolerations},
    {.gate = "DRAConsumableCapacity",
     .group = kDevices,
     .resource = "resourceclaims",
     .paths = kConsumable},
    {.gate = "DRADeviceBindingConditions",
     .group = kDevices,
     .resource = "resourceclaims",
     .paths = kResultConditions},
    {.gate = "DRADeviceTaints",
     .group = kDevices,
     .resource = "resourceclaimtemplates",
     .paths = kTemplateTolerations},
    {.gate = "DRAConsumableCapacity",
     .group = kDevices,
     .resource = "resourceclaimtemplates",
     .paths = kTemplateConsumable},
    {.gate = "DRAExtendedResource",
     .group = kDevices,
     .resource = "deviceclasses",
     .paths = kExtendedName},
    {.gate = "DRADeviceTaints",
     .group = kDevices,
     .resource = "resourceslices",
     .paths = kDeviceTaints},
    {.gate = "DRAPartitionableDevices",
     .group = kDevices,
     .resource = "resourceslices",
     .paths = kPartitions},
    {.gate = "DRADeviceBindingConditions",
     .group = kDevices,
     .resource = "resourceslices",
     .paths = kDeviceConditions},
    {.gate = "DRAConsumableCapacity",
     .group = kDevices,
     .resource = "resourceslices",
     .paths = kShared},
};

// The first step of a path, and what is left of it.
struct Step {
  std::string_view name;
  std::string_view rest;  // "": the step is the last
};

Step first_step(std::string_view path) {
  size_t dot = path.find('.');
  if (dot == std::string_view::npos) return {path, {}};
  return {path.substr(0, dot), path.substr(dot + 1)};
}

std::string_view field_name(std::string_view step) {
  return step.ends_with("[]") ? step.substr(0, step.size() - 2) : step;
}

// Of a list's or map's node: the distance of its items; the first is one before it.
uint32_t stride_of(const schema::Field& field) {
  return field.shape == schema::Shape::kMap ? 2 : 1;
}

bool in_use(const schema::Message& type, const Node& node, std::string_view path) {
  Step step = first_step(path);
  schema::JsonMember member = schema::find_json(type, field_name(step.name));
  const Node* at = &node;
  for (uint8_t i = 0; i + 1 < member.depth; ++i) at = &at->field(member.path[i]).as_node();
  const Value& value = at->field(member.path[member.depth - 1]);
  if (value.is_null() || step.rest.empty()) return !value.is_null();
  const schema::Message& below = *member.field->message;
  if (member.field->shape == schema::Shape::kSingular) {
    return in_use(below, value.as_node(), step.rest);
  }
  const uint32_t stride = stride_of(*member.field);
  for (uint32_t i = stride - 1; i < value.as_node().size; i += stride) {
    if (in_use(below, value.as_node().data[i].as_node(), step.rest)) return true;
  }
  return false;
}

class Dropper {
 public:
  Dropper(Arena& arena, const GatedFields& row) : arena_(arena), row_(row) {}

  // True if something was there to drop.
  bool drop(const schema::Message& type, Node& node, std::string_view path) {
    Step step = first_step(path);
    schema::JsonMember member = schema::find_json(type, field_name(step.name));
    Node* at = &node;
    for (uint8_t i = 0; i + 1 < member.depth; ++i) {
      if (at->field(member.path[i]).is_null()) return false;
      at = at->field(member.path[i]).node;
    }
    uint16_t index = member.path[member.depth - 1];
    Value value = at->field(index);
    if (value.is_null()) return false;
    const schema::Message* below = member.field->message;
    if (step.rest.empty()) return drop_value(*at, index, below);
    if (member.field->shape != schema::Shape::kSingular) {
      return drop_in_items(*member.field, value, step.rest);
    }
    bool dropped = drop(*below, *value.node, step.rest);
    if (dropped && row_.prune && value.node->size == 0) set_field(arena_, *at, index, Value());
    return dropped;
  }

 private:
  bool drop_value(Node& node, uint16_t index, const schema::Message* type) {
    if (!row_.member.empty()) {
      const Value& member = schema::find_path(*type, node.field(index).as_node(), {row_.member});
      if (member.as_text().empty()) return false;
    }
    set_field(arena_, node, index, Value());
    return true;
  }

  bool drop_in_items(const schema::Field& field, const Value& items, std::string_view path) {
    bool dropped = false;
    const uint32_t stride = stride_of(field);
    for (uint32_t i = stride - 1; i < items.node->size; i += stride) {
      dropped = drop(*field.message, *items.node->data[i].node, path) || dropped;
    }
    return dropped;
  }

  Arena& arena_;
  const GatedFields& row_;
};

std::string full_path(std::string_view prefix, std::string_view path) {
  return prefix.empty() ? std::string(path) : std::string(prefix) + "." + std::string(path);
}

void apply_row(const GatedFields& row, std::string_view prefix, Draft& object, const Object* old) {
  auto used = [&](std::string_view path) {
    return in_use(old->type(), old->root(), full_path(prefix, path));
  };
  if (old && !row.always && std::ranges::any_of(row.paths, used)) return;
  Dropper dropper(object.arena(), row);
  for (std::string_view path : row.paths) {
    dropper.drop(object.type(), object.root(), full_path(prefix, path));
  }
}

std::string_view pod_spec_path(const schema::Resource& resource) {
  for (const PodSpecRow& row : kPodSpecs) {
    if (row.resource == resource.resource && row.group == resource.group) return row.path;
  }
  return {};
}

}  // namespace

void drop_gated_fields(const schema::Resource& resource, Draft& object, const Object* old) {
  std::string_view pod_spec = pod_spec_path(resource);
  for (const GatedFields& row : kRows) {
    if (row.resource == kPodSpec) {
      if (!pod_spec.empty()) apply_row(row, pod_spec, object, old);
    } else if (row.resource == resource.resource && row.group == resource.group) {
      apply_row(row, {}, object, old);
    }
  }
}

}  // namespace tiphys::apiserver
