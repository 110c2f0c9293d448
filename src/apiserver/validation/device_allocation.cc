// What rows about the status of a ResourceClaim call (pkg/apis/resource/validation upstream).
#include <set>

#include "apiserver/validation/affinity.h"
#include "apiserver/validation/checks.h"
#include "apiserver/validation/device_allocation.h"
#include "apiserver/validation/device_claim.h"
#include "apiserver/validation/device_names.h"
#include "apiserver/validation/rule_calls.h"
#include "apiserver/validation/semantic_equal.h"

namespace tiphys::apiserver {
namespace {

using resource_v1::AllocatedDeviceStatus;
using resource_v1::AllocationResult;
using resource_v1::DeviceAllocationConfiguration;
using resource_v1::DeviceRequestAllocationResult;
using resource_v1::ResourceClaim;

constexpr int kMaxResults = 32;
constexpr int kMaxConfigs = 64;  // the class's and the claim's
constexpr int kMaxConditions = 8;

// How upstream prints the identity of a device.
constexpr std::string_view kPrintedDevice = R"({"Driver":{},"Pool":{},"Device":{},"ShareID":{}})";

// As metav1's ValidateConditions.
void check_conditions(const ListView<meta_v1::Condition>& conditions, const FieldPath& path,
                      FieldErrors& errors) {
  std::set<std::string_view> types;
  size_t i = 0;
  for (meta_v1::Condition condition : conditions) {
    FieldPath at = path.index(i++);
    if (!types.insert(condition.type()).second) {
      errors.duplicate(at.child("type"), condition.type());
    }
    validate_part(meta_v1::Condition::message_type(), condition.node(), at, errors);
  }
}

void check_device_status(AllocatedDeviceStatus device, const std::set<std::string>& allocated,
                         const FieldPath& path, FieldErrors& errors) {
  check_driver_name(device.driver(), path.child("driver"), errors);
  check_pool_name(device.pool(), path.child("pool"), errors);
  check_device_name(device.device(), path.child("device"), errors);
  if (device.has_share_id()) check_share_id(device.share_id(), path.child("shareID"), errors);
  if (!allocated.contains(shared_device(device))) {
    errors.invalid_raw(path, kPrintedDevice, "must be an allocated device in the claim");
  }
  FieldPath conditions = path.child("conditions");
  if (device.conditions().size() > kMaxConditions) {
    errors.too_many(conditions, static_cast<int>(device.conditions().size()), kMaxConditions);
  }
  check_conditions(device.conditions(), conditions, errors);
  if (!device.data().empty()) check_driver_json(device.data(), false, path.child("data"), errors);
  if (device.has_network_data()) {
    validate_part(resource_v1::NetworkDeviceData::message_type(), device.network_data().node(),
                  path.child("networkData"), errors);
  }
}

void check_result(DeviceRequestAllocationResult result, const RequestNames& requests,
                  const FieldPath& path, FieldErrors& errors) {
  check_request_reference(requests, result.request(), path.child("request"), errors);
  check_driver_name(result.driver(), path.child("driver"), errors);
  check_pool_name(result.pool(), path.child("pool"), errors);
  check_device_name(result.device(), path.child("device"), errors);
  check_binding_conditions(result.binding_conditions(), result.binding_failure_conditions(), path,
                           errors);
  if (result.has_share_id()) check_share_id(result.share_id(), path.child("shareID"), errors);
}

void check_config(DeviceAllocationConfiguration config, const RequestNames& requests,
                  const FieldPath& path, FieldErrors& errors) {
  constexpr std::string_view kSources[] = {"FromClaim", "FromClass"};
  check_choice(config.source(), kSources, path.child("source"), errors);
  check_request_references(requests, config.requests(), path.child("requests"), errors);
  check_device_configuration(config.device_configuration(), false, path, errors);
}

template <class Item>
void check_items(const ListView<Item>& items, int max,
                 void (*check)(Item, const RequestNames&, const FieldPath&, FieldErrors&),
                 const RequestNames& requests, const FieldPath& path, FieldErrors& errors) {
  if (items.size() > static_cast<size_t>(max)) {
    return errors.too_many(path, static_cast<int>(items.size()), max);
  }
  size_t i = 0;
  for (Item item : items) check(item, requests, path.index(i++), errors);
}

}  // namespace

std::set<std::string> allocated_devices(ResourceClaim claim) {
  std::set<std::string> devices;
  for (DeviceRequestAllocationResult result : claim.status().allocation().devices().results()) {
    devices.insert(shared_device(result));
  }
  return devices;
}

void call_allocated_devices(const RuleInput& input, FieldErrors& errors) {
  std::set<std::string> allocated = allocated_devices(ResourceClaim(input.scope.object));
  ListView<AllocatedDeviceStatus> devices(input.value.as_node());
  size_t i = 0;
  for (AllocatedDeviceStatus device : devices) {
    check_device_status(device, allocated, input.path.index(i++), errors);
  }
  std::set<std::string> seen;
  i = 0;
  for (AllocatedDeviceStatus device : devices) {
    bool repeated = !seen.insert(shared_device(device)).second;
    if (repeated) errors.duplicate_raw(input.path.index(i), kPrintedDevice);
    ++i;
  }
}

// Of a claim that is being deleted users may go, but none may come.
void call_reservations_of_deleted(const RuleInput& input, FieldErrors& errors) {
  std::span<const Value> before = input.old.as_node().items();
  for (const Value& user : input.value.as_node().items()) {
    auto same = [&](const Value& other) { return equal(user, other); };
    if (std::ranges::any_of(before, same)) continue;
    errors.forbidden(input.path,
                     "new entries may not be added while `deallocationRequested` or "
                     "`deletionTimestamp` are set");
    return;
  }
}

void call_allocation_result(const RuleInput& input, FieldErrors& errors) {
  if (input.value.is_null()) return;
  if (!input.old.is_null()) {
    if (semantic_equal(*input.field, input.value, input.old)) return;
    errors.invalid_raw(input.path, printed_value(*input.field, input.value), "field is immutable");
    return;
  }
  AllocationResult allocation(input.value.as_node());
  RequestNames requests(ResourceClaim(input.scope.object).spec().devices());
  FieldPath devices = input.path.child("devices");
  check_items<DeviceRequestAllocationResult>(allocation.devices().results(), kMaxResults,
                                             check_result, requests, devices.child("results"),
                                             errors);
  check_items<DeviceAllocationConfiguration>(allocation.devices().config(), kMaxConfigs,
                                             check_config, requests, devices.child("config"),
                                             errors);
  if (!allocation.has_node_selector()) return;
  validate_node_selector(allocation.node_selector(), false, input.path.child("nodeSelector"),
                         errors);
}

}  // namespace tiphys::apiserver
