// Printers of kinds that set the cluster up: policies, priority levels, devices; of scale and
// Status.
#include "apiserver/table/printers.h"
#include "base/strings.h"
#include "kinds/admissionregistration_v1.h"
#include "kinds/flowcontrol_v1.h"
#include "kinds/resource_v1.h"
#include "kinds/storage_v1.h"

namespace tiphys::apiserver {
namespace {

using admissionregistration_v1::ParamRef;
using admissionregistration_v1::ValidatingAdmissionPolicy;
using admissionregistration_v1::ValidatingAdmissionPolicyBinding;

constexpr Column kPolicy[] = {kNameColumn, {"Validations", "integer"}, {"ParamKind"}, kAgeColumn};

void print_policy(const Object& object, MicroTime now, Cells& cells) {
  ValidatingAdmissionPolicy item(object);
  auto kind = item.spec().param_kind();
  cells.text(item.metadata().name());
  cells.number(static_cast<int64_t>(item.spec().validations().size()));
  cells.text(item.spec().has_param_kind()
                 ? std::string(kind.api_version()) + "/" + std::string(kind.kind())
                 : "<unset>");
  cells.age(item.metadata().creation_timestamp(), now);
}

constexpr Column kPolicyBinding[] = {kNameColumn, {"PolicyName"}, {"ParamRef"}, kAgeColumn};

// A selector as Go's generated String() writes it.
std::string go_selector(meta_v1::LabelSelector selector) {
  std::string labels;
  for (auto [key, value] : selector.match_labels()) {
    labels.append(key).append(": ").append(value).append(",");
  }
  std::string expressions;
  for (meta_v1::LabelSelectorRequirement requirement : selector.match_expressions()) {
    std::vector<std::string> values;
    for (std::string_view value : requirement.values()) values.emplace_back(value);
    expressions += "LabelSelectorRequirement{Key:" + std::string(requirement.key()) +
                   ",Operator:" + std::string(requirement.operator_()) + ",Values:[" +
                   join(values, " ") + "],},";
  }
  return "&LabelSelector{MatchLabels:map[string]string{" + labels +
         "},MatchExpressions:[]LabelSelectorRequirement{" + expressions + "},}";
}

std::string param_text(ParamRef reference) {
  if (!reference.name().empty()) {
    std::string_view ns = reference.namespace_().empty() ? "*" : reference.namespace_();
    return std::string(ns) + "/" + std::string(reference.name());
  }
  return reference.has_selector() ? go_selector(reference.selector()) : "<unset>";
}

void print_policy_binding(const Object& object, MicroTime now, Cells& cells) {
  ValidatingAdmissionPolicyBinding item(object);
  cells.text(item.metadata().name());
  cells.text(item.spec().policy_name());
  cells.text(param_text(item.spec().param_ref()));
  cells.age(item.metadata().creation_timestamp(), now);
}

constexpr Column kPriorityLevel[] = {kNameColumn, {"Type"},     {"NominalConcurrencyShares"},
                                     {"Queues"},  {"HandSize"}, {"QueueLengthLimit"},
                                     kAgeColumn};

void number_or_none(bool present, int64_t value, Cells& cells) {
  if (present) return cells.number(value);
  cells.text("<none>");
}

void print_priority_level(const Object& object, MicroTime now, Cells& cells) {
  flowcontrol_v1::PriorityLevelConfiguration item(object);
  auto limited = item.spec().limited();
  auto queuing = limited.limit_response().queuing();
  bool has_limit = item.spec().has_limited();
  bool has_queues = has_limit && limited.limit_response().has_queuing();
  cells.text(item.metadata().name());
  cells.text(item.spec().type());
  number_or_none(has_limit, limited.nominal_concurrency_shares(), cells);
  number_or_none(has_queues, queuing.queues(), cells);
  number_or_none(has_queues, queuing.hand_size(), cells);
  number_or_none(has_queues, queuing.queue_length_limit(), cells);
  cells.age(item.metadata().creation_timestamp(), now);
}

constexpr Column kCapacity[] = {kNameColumn, {"StorageClassName"}, {"Capacity"}};

void print_capacity(const Object& object, MicroTime, Cells& cells) {
  storage_v1::CSIStorageCapacity item(object);
  cells.text(item.metadata().name());
  cells.text(item.storage_class_name());
  cells.text(item.capacity().empty() ? "<unset>" : item.capacity());
}

constexpr Column kAttributesClass[] = {kNameColumn, {"DriverName"}, kAgeColumn};

void print_attributes_class(const Object& object, MicroTime now, Cells& cells) {
  storage_v1::VolumeAttributesClass item(object);
  cells.text(item.metadata().name());
  cells.text(item.driver_name());
  cells.age(item.metadata().creation_timestamp(), now);
}

constexpr Column kNameAndAge[] = {kNameColumn, kAgeColumn};

template <class Kind>
void print_name_and_age(const Object& object, MicroTime now, Cells& cells) {
  Kind item(object);
  cells.text(item.metadata().name());
  cells.age(item.metadata().creation_timestamp(), now);
}

constexpr Column kClaim[] = {kNameColumn, {"State"}, kAgeColumn};

std::string claim_state(resource_v1::ResourceClaim claim) {
  bool deleted = claim.metadata().has_deletion_timestamp();
  if (!claim.status().has_allocation()) return deleted ? "deleted" : "pending";
  std::string state = deleted ? "deleted,allocated" : "allocated";
  return claim.status().reserved_for().empty() ? state : state + ",reserved";
}

void print_claim(const Object& object, MicroTime now, Cells& cells) {
  resource_v1::ResourceClaim item(object);
  cells.text(item.metadata().name());
  cells.text(claim_state(item));
  cells.age(item.metadata().creation_timestamp(), now);
}

constexpr Column kSlice[] = {kNameColumn, {"Node"}, {"Driver"}, {"Pool"}, kAgeColumn};

void print_slice(const Object& object, MicroTime now, Cells& cells) {
  resource_v1::ResourceSlice item(object);
  cells.text(item.metadata().name());
  cells.text(item.spec().node_name());
  cells.text(item.spec().driver());
  cells.text(item.spec().pool().name());
  cells.age(item.metadata().creation_timestamp(), now);
}

}  // namespace

std::span<const PrinterRow> cluster_printers() {
  using resource_v1::DeviceClass;
  using resource_v1::ResourceClaimTemplate;
  static const PrinterRow kRows[] = {
      {&ValidatingAdmissionPolicy::message(), {kPolicy, print_policy}},
      {&ValidatingAdmissionPolicyBinding::message(), {kPolicyBinding, print_policy_binding}},
      {&flowcontrol_v1::PriorityLevelConfiguration::message(),
       {kPriorityLevel, print_priority_level}},
      {&storage_v1::CSIStorageCapacity::message(), {kCapacity, print_capacity}},
      {&storage_v1::VolumeAttributesClass::message(), {kAttributesClass, print_attributes_class}},
      {&DeviceClass::message(), {kNameAndAge, print_name_and_age<DeviceClass>}},
      {&ResourceClaimTemplate::message(), {kNameAndAge, print_name_and_age<ResourceClaimTemplate>}},
      {&resource_v1::ResourceClaim::message(), {kClaim, print_claim}},
      {&resource_v1::ResourceSlice::message(), {kSlice, print_slice}},
  };
  return kRows;
}

}  // namespace tiphys::apiserver
