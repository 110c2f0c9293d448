// What rows about claims of devices and their classes call (pkg/apis/resource/validation upstream).
#include "apiserver/validation/device_claim.h"

#include "apiserver/validation/device_names.h"
#include "apiserver/validation/rule_calls.h"
#include "apiserver/validation/semantic_equal.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kNoRequest =
    "must be the name of a request in the claim or the name of a request and a subrequest "
    "separated by '/'";

void check_constraint(resource_v1::DeviceConstraint constraint, const RequestNames& requests,
                      const FieldPath& path, FieldErrors& errors) {
  check_request_references(requests, constraint.requests(), path.child("requests"), errors);
  if (constraint.has_match_attribute()) {
    check_full_device_key(constraint.match_attribute(), path.child("matchAttribute"), errors);
  } else if (constraint.has_distinct_attribute()) {
    check_full_device_key(constraint.distinct_attribute(), path.child("distinctAttribute"), errors);
  } else {
    // As where the gate DRAConsumableCapacity is off.
    errors.required(path.child("matchAttribute"));
  }
}

}  // namespace

// Of requests of the same name, which is an error too, upstream knows the last.
RequestNames::RequestNames(resource_v1::DeviceClaim claim) {
  for (resource_v1::DeviceRequest request : claim.requests()) {
    std::set<std::string_view>& choices = names_[request.name()];
    choices.clear();
    for (resource_v1::DeviceSubRequest choice : request.first_available()) {
      choices.insert(choice.name());
    }
  }
}

bool RequestNames::has(std::span<const std::string_view> names) const {
  auto found = names_.find(names[0]);
  if (found == names_.end()) return false;
  return names.size() == 1 || found->second.contains(names[1]);
}

void check_request_reference(const RequestNames& requests, std::string_view reference,
                             const FieldPath& path, FieldErrors& errors) {
  std::vector<std::string_view> names = split(reference, '/');
  if (names.size() > 2) return errors.invalid(path, reference, kNoRequest);
  for (std::string_view name : names) check_device_name(name, path, errors);
  if (!requests.has(names)) errors.invalid(path, reference, kNoRequest);
}

void check_request_references(const RequestNames& requests,
                              const ListView<std::string_view>& references, const FieldPath& path,
                              FieldErrors& errors) {
  constexpr int kMaxReferences = 32;
  if (references.size() > kMaxReferences) {
    return errors.too_many(path, static_cast<int>(references.size()), kMaxReferences);
  }
  size_t i = 0;
  for (std::string_view reference : references) {
    check_request_reference(requests, reference, path.index(i++), errors);
  }
  std::set<std::string_view> seen;
  i = 0;
  for (std::string_view reference : references) {
    if (!seen.insert(reference).second) errors.duplicate(path.index(i), reference);
    ++i;
  }
}

void call_device_constraints(const RuleInput& input, FieldErrors& errors) {
  RequestNames requests{resource_v1::DeviceClaim(input.parent)};
  size_t i = 0;
  for (auto constraint : ListView<resource_v1::DeviceConstraint>(input.value.as_node())) {
    check_constraint(constraint, requests, input.path.index(i++), errors);
  }
}

void call_device_claim_config(const RuleInput& input, FieldErrors& errors) {
  RequestNames requests{resource_v1::DeviceClaim(input.parent)};
  size_t i = 0;
  for (auto config : ListView<resource_v1::DeviceClaimConfiguration>(input.value.as_node())) {
    FieldPath path = input.path.index(i++);
    check_request_references(requests, config.requests(), path.child("requests"), errors);
    check_device_configuration(config.device_configuration(), false, path, errors);
  }
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
