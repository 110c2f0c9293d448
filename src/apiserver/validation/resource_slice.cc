// What rows about ResourceSlices call (pkg/apis/resource/validation upstream).
#include <map>
#include <set>

#include "apiserver/validation/affinity.h"
#include "apiserver/validation/capacity_policy.h"
#include "apiserver/validation/checks.h"
#include "apiserver/validation/device_names.h"
#include "apiserver/validation/rule_calls.h"
#include "apiserver/validation/semantic_equal.h"
#include "apiserver/validation/semantic_version.h"

namespace tiphys::apiserver {
namespace {

using resource_v1::Device;
using resource_v1::DeviceAttribute;
using resource_v1::DeviceCapacity;
using resource_v1::DeviceCounterConsumption;
using resource_v1::DeviceTaint;
using resource_v1::ResourceSliceSpec;

constexpr size_t kMaxDevices = 128;
constexpr size_t kMaxTaintedDevices = 64;  // or such that consume counters
constexpr size_t kMaxProperties = 32;      // attributes and capacities of a device
constexpr size_t kMaxKeyBytes = 63 + 1 + 32;
constexpr int kMaxValueBytes = 64;
constexpr size_t kMaxTaints = 16;
constexpr size_t kMaxConsumptions = 2;

constexpr std::string_view kTrueOrUnset = "must be either unset or set to true";
constexpr std::string_view kOneOfDevice =
    "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when "
    "`perDeviceNodeSelection` is set to true in the ResourceSlice spec";

// Collects which members of a union are set, as upstream prints them.
class SetFields {
 public:
  void add(std::string_view name) {
    if (count_++ > 0) text_ += ", ";
    text_.append("`").append(name).append("`");
  }
  // A flag that means something only if it is true.
  void add_flag(bool present, bool value, std::string_view name, const FieldPath& path,
                FieldErrors& errors) {
    if (value) {
      add(name);
    } else if (present) {
      errors.invalid_raw(path.child(name), "false", kTrueOrUnset);
    }
  }
  void check_one(const FieldPath& path, std::string_view none, std::string_view many,
                 FieldErrors& errors) const {
    if (count_ == 0) errors.required(path, none);
    if (count_ > 1) errors.invalid(path, "{" + text_ + "}", many);
  }

 private:
  size_t count_ = 0;
  std::string text_;
};

// A slice and a device name the nodes they belong to alike.
template <class Owner>
void check_node_name(Owner owner, std::string_view if_empty, const FieldPath& path,
                     SetFields& fields, FieldErrors& errors) {
  if (!owner.has_node_name()) return;
  FieldPath at = path.child("nodeName");
  if (owner.node_name().empty()) return errors.invalid(at, "", if_empty);
  fields.add("nodeName");
  errors.invalid_all(at, owner.node_name(), check_name_is_subdomain(owner.node_name(), false));
}

template <class Owner>
void check_node_selector(Owner owner, const FieldPath& path, SetFields& fields,
                         FieldErrors& errors) {
  if (!owner.has_node_selector()) return;
  fields.add("nodeSelector");
  validate_node_selector(owner.node_selector(), false, path.child("nodeSelector"), errors);
}

void check_device_nodes(Device device, bool own_nodes, const FieldPath& path, FieldErrors& errors) {
  if (!own_nodes) {
    if (!device.has_node_name() && !device.has_node_selector() && !device.has_all_nodes()) return;
    errors.invalid_raw(path, "null",
                       "`nodeName`, `nodeSelector` and `allNodes` can only be set if "
                       "`perDeviceNodeSelection` is set to true in the ResourceSlice spec");
    return;
  }
  SetFields fields;
  check_node_name(device, "must not be empty", path, fields, errors);
  check_node_selector(device, path, fields, errors);
  fields.add_flag(device.has_all_nodes(), device.all_nodes(), "allNodes", path, errors);
  fields.check_one(path, kOneOfDevice, kOneOfDevice, errors);
}

void check_value_size(std::string_view value, const FieldPath& path, FieldErrors& errors) {
  if (value.size() > kMaxValueBytes) errors.too_long(path, kMaxValueBytes);
}

void check_attribute(DeviceAttribute attribute, const FieldPath& path, FieldErrors& errors) {
  int set =
      attribute.has_int() + attribute.has_bool() + attribute.has_string() + attribute.has_version();
  if (attribute.has_string()) {
    check_value_size(attribute.string(), path.child("string"), errors);
  }
  if (attribute.has_version()) {
    FieldPath at = path.child("version");
    if (!is_semantic_version(attribute.version())) {
      errors.invalid(at, attribute.version(),
                     "must be a string compatible with semver.org spec 2.0.0");
    }
    check_value_size(attribute.version(), at, errors);
  }
  constexpr std::string_view kOneValue = "exactly one value must be specified";
  if (set == 0) errors.invalid(path, "", kOneValue);
  if (set <= 1) return;
  auto printed = [&](std::string_view name) {
    return printed_field(DeviceAttribute::message_type(), attribute.node(), name);
  };
  errors.invalid_raw(path,
                     "{\"IntValue\":" + printed("int") + ",\"BoolValue\":" + printed("bool") +
                         ",\"StringValue\":" + printed("string") +
                         ",\"VersionValue\":" + printed("version") + "}",
                     kOneValue);
}

void check_capacity(DeviceCapacity capacity, bool shared, const FieldPath& path,
                    FieldErrors& errors) {
  if (!capacity.has_request_policy()) return;
  FieldPath policy = path.child("requestPolicy");
  if (!shared) return errors.forbidden(policy, "allowMultipleAllocations must be true");
  check_request_policy(capacity, policy, errors);
}

void check_properties(Device device, const FieldPath& path, FieldErrors& errors) {
  size_t count = device.attributes().size() + device.capacity().size();
  if (count > kMaxProperties) {
    errors.invalid(path, static_cast<int64_t>(count),
                   "the total number of attributes and capacities must not exceed " +
                       std::to_string(kMaxProperties));
  }
  for (auto entry : device.attributes()) {
    FieldPath at = entry_path(path.child("attributes"), entry.key, kMaxKeyBytes);
    check_device_key(entry.key, at, errors);
    check_attribute(entry.value, at, errors);
  }
  for (auto entry : device.capacity()) {
    FieldPath at = entry_path(path.child("capacity"), entry.key, kMaxKeyBytes);
    check_device_key(entry.key, at, errors);
    check_capacity(entry.value, device.allow_multiple_allocations(), at, errors);
  }
}

// Each item by the rows of its type. False: there are too many.
template <class Item>
bool check_list(const ListView<Item>& items, size_t max, const FieldPath& path,
                FieldErrors& errors) {
  if (items.size() > max) {
    errors.too_many(path, static_cast<int>(items.size()), static_cast<int>(max));
    return false;
  }
  size_t i = 0;
  for (Item item : items) {
    validate_part(Item::message_type(), item.node(), path.index(i++), errors);
  }
  return true;
}

bool same_taints(Device a, Device b) {
  const schema::Field& field = *Device::message_type().find("taints");
  uint16_t index = Device::message_type().index_of(field);
  return semantic_equal(field, a.node().field(index), b.node().field(index));
}

void check_consumption(Device device, const FieldPath& path, FieldErrors& errors) {
  if (!check_list(device.consumes_counters(), kMaxConsumptions, path, errors)) return;
  std::set<std::string_view> seen;
  size_t i = 0;
  for (DeviceCounterConsumption consumption : device.consumes_counters()) {
    bool repeated = !seen.insert(consumption.counter_set()).second;
    if (repeated) errors.duplicate(path.index(i), consumption.counter_set());
    ++i;
  }
}

void check_device(Device device, const Device* old, bool own_nodes, const FieldPath& path,
                  FieldErrors& errors) {
  check_device_name(device.name(), path.child("name"), errors);
  check_properties(device, path, errors);
  if (!old || !same_taints(device, *old)) {
    check_list(device.taints(), kMaxTaints, path.child("taints"), errors);
  }
  check_consumption(device, path.child("consumesCounters"), errors);
  check_device_nodes(device, own_nodes, path, errors);
  check_binding_conditions(device.binding_conditions(), device.binding_failure_conditions(), path,
                           errors);
}

size_t max_devices(const ListView<Device>& devices) {
  bool special = std::ranges::any_of(devices, [](Device device) {
    return !device.taints().empty() || !device.consumes_counters().empty();
  });
  return special ? kMaxTaintedDevices : kMaxDevices;
}

void check_unique_devices(const ListView<Device>& devices, const FieldPath& path,
                          FieldErrors& errors) {
  std::set<std::string_view> seen;
  size_t i = 0;
  for (Device device : devices) {
    if (!seen.insert(device.name()).second) errors.duplicate(path.index(i), device.name());
    ++i;
  }
}

}  // namespace

void call_slice_nodes(const RuleInput& input, FieldErrors& errors) {
  ResourceSliceSpec spec(input.value.as_node());
  constexpr std::string_view kOneOf =
      "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
  SetFields fields;
  check_node_name(spec, "must be either unset or set to a non-empty string", input.path, fields,
                  errors);
  check_node_selector(spec, input.path, fields, errors);
  core_v1::NodeSelector selector = spec.node_selector();
  if (spec.has_node_selector() && selector.node_selector_terms().size() != 1) {
    errors.invalid_raw(
        input.path.child("nodeSelector").child("nodeSelectorTerms"),
        printed_field(core_v1::NodeSelector::message_type(), selector.node(), "nodeSelectorTerms"),
        "must have exactly one node selector term");
  }
  fields.add_flag(spec.has_all_nodes(), spec.all_nodes(), "allNodes", input.path, errors);
  fields.add_flag(spec.has_per_device_node_selection(), spec.per_device_node_selection(),
                  "perDeviceNodeSelection", input.path, errors);
  fields.check_one(input.path, kOneOf, std::string(kOneOf) + ", but multiple fields are set",
                   errors);
}

void call_slice_devices(const RuleInput& input, FieldErrors& errors) {
  ListView<Device> devices(input.value.as_node());
  size_t max = max_devices(devices);
  if (devices.size() > max) {
    return errors.too_many(input.path, static_cast<int>(devices.size()), static_cast<int>(max));
  }
  bool own_nodes = ResourceSliceSpec(input.parent).per_device_node_selection();
  std::map<std::string_view, Device> before;
  for (Device device : ListView<Device>(input.old.as_node())) before.emplace(device.name(), device);
  size_t i = 0;
  for (Device device : devices) {
    auto old = before.find(device.name());
    check_device(device, old == before.end() ? nullptr : &old->second, own_nodes,
                 input.path.index(i++), errors);
  }
  check_unique_devices(devices, input.path, errors);
}

}  // namespace tiphys::apiserver
