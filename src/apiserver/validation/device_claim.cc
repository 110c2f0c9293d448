// What rows about claims of devices and their classes call (pkg/apis/resource/validation upstream).
#include <set>

#include "apiserver/validation/checks.h"
#include "apiserver/validation/device_names.h"
#include "apiserver/validation/device_requests.h"
#include "apiserver/validation/rule_calls.h"
#include "apiserver/validation/semantic_equal.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kNoRequest =
    "must be the name of a request in the claim or the name of a request and a subrequest "
    "separated by '/'";

bool has_request(resource_v1::DeviceClaim claim, std::string_view name, std::string_view* sub) {
  // Of requests of the same name, which is an error too, upstream knows the last.
  bool found = false;
  for (resource_v1::DeviceRequest request : claim.requests()) {
    if (request.name() != name) continue;
    found = !sub;
    for (resource_v1::DeviceSubRequest choice : request.first_available()) {
      found = found || choice.name() == *sub;
    }
  }
  return found;
}

bool has_request(resource_v1::DeviceClaim claim, const std::vector<std::string_view>& names) {
  std::string_view sub = names.back();
  return has_request(claim, names[0], names.size() > 1 ? &sub : nullptr);
}

}  // namespace

void check_request_reference(resource_v1::DeviceClaim claim, std::string_view reference,
                             const FieldPath& path, FieldErrors& errors) {
  std::vector<std::string_view> names = split(reference, '/');
  if (names.size() > 2) return errors.invalid(path, reference, kNoRequest);
  for (std::string_view name : names) check_device_name(name, path, errors);
  if (!has_request(claim, names)) errors.invalid(path, reference, kNoRequest);
}

void check_request_references(resource_v1::DeviceClaim claim,
                              const ListView<std::string_view>& references, const FieldPath& path,
                              FieldErrors& errors) {
  constexpr int kMaxReferences = 32;
  if (references.size() > kMaxReferences) {
    return errors.too_many(path, static_cast<int>(references.size()), kMaxReferences);
  }
  size_t i = 0;
  for (std::string_view reference : references) {
    check_request_reference(claim, reference, path.index(i++), errors);
  }
  std::set<std::string_view> seen;
  i = 0;
  for (std::string_view reference : references) {
    if (!seen.insert(reference).second) errors.duplicate(path.index(i), reference);
    ++i;
  }
}

void call_device_constraint(const RuleInput& input, FieldErrors& errors) {
  resource_v1::DeviceConstraint constraint(input.value.as_node());
  check_request_references(resource_v1::DeviceClaim(input.parent), constraint.requests(),
                           input.path.child("requests"), errors);
  if (constraint.has_match_attribute()) {
    check_full_device_key(constraint.match_attribute(), input.path.child("matchAttribute"), errors);
  } else if (constraint.has_distinct_attribute()) {
    check_full_device_key(constraint.distinct_attribute(), input.path.child("distinctAttribute"),
                          errors);
  } else {
    // As where the gate DRAConsumableCapacity is off.
    errors.required(input.path.child("matchAttribute"));
  }
}

void call_device_claim_config(const RuleInput& input, FieldErrors& errors) {
  resource_v1::DeviceClaimConfiguration config(input.value.as_node());
  check_request_references(resource_v1::DeviceClaim(input.parent), config.requests(),
                           input.path.child("requests"), errors);
  check_device_configuration(config.device_configuration(), false, input.path, errors);
}

void call_device_class_config(const RuleInput& input, FieldErrors& errors) {
  bool stored = input.updating() && semantic_equal(*input.field, input.value, input.old);
  size_t i = 0;
  for (auto config : ListView<resource_v1::DeviceClassConfiguration>(input.value.as_node())) {
    check_device_configuration(config.device_configuration(), stored, input.path.index(i++),
                               errors);
  }
}

}  // namespace tiphys::apiserver
