// Printers of rbac, storage, scheduling, quota, certificates and admission kinds.
#include "apiserver/table/printers.h"
#include "base/strings.h"
#include "kinds/admissionregistration_v1.h"
#include "kinds/apiextensions_v1.h"
#include "kinds/apiregistration_v1.h"
#include "kinds/certificates_v1.h"
#include "kinds/flowcontrol_v1.h"
#include "kinds/node_v1.h"
#include "kinds/rbac_v1.h"
#include "kinds/scheduling_v1.h"
#include "kinds/storage_v1.h"

namespace tiphys::apiserver {
namespace {

constexpr Column kBinding[] = {kNameColumn,
                               {"Role"},
                               kAgeColumn,
                               {"Users", "string", 1},
                               {"Groups", "string", 1},
                               {"ServiceAccounts", "string", 1}};

template <class Binding>
void print_binding(const Object& object, MicroTime now, Cells& cells) {
  Binding item(object);
  std::vector<std::string> users, groups, accounts;
  for (rbac_v1::Subject subject : item.subjects()) {
    std::string name(subject.name());
    if (subject.kind() == "User") users.push_back(name);
    if (subject.kind() == "Group") groups.push_back(name);
    if (subject.kind() == "ServiceAccount") {
      accounts.push_back(std::string(subject.namespace_()) + "/" + name);
    }
  }
  cells.text(item.metadata().name());
  cells.text(std::string(item.role_ref().kind()) + "/" + std::string(item.role_ref().name()));
  cells.age(item.metadata().creation_timestamp(), now);
  cells.text(join(users, ", "));
  cells.text(join(groups, ", "));
  cells.text(join(accounts, ", "));
}

// ---- storage ----

std::string access_modes(const ListView<std::string_view>& modes) {
  std::vector<std::string> names;
  for (std::string_view mode : modes) {
    names.emplace_back(mode == "ReadWriteOnce"      ? "RWO"
                       : mode == "ReadOnlyMany"     ? "ROX"
                       : mode == "ReadWriteMany"    ? "RWX"
                       : mode == "ReadWriteOncePod" ? "RWOP"
                                                    : mode);
  }
  return join(names, ",");
}

constexpr Column kVolume[] = {
    kNameColumn, {"Capacity"}, {"Access Modes"},           {"Reclaim Policy"},
    {"Status"},  {"Claim"},    {"StorageClass"},           {"VolumeAttributesClass"},
    {"Reason"},  kAgeColumn,   {"VolumeMode", "string", 1}};

std::string storage_class(meta_v1::ObjectMeta metadata, std::string_view name) {
  std::string_view old = metadata.annotations().find("volume.beta.kubernetes.io/storage-class");
  return std::string(old.empty() ? name : old);
}

std::string or_unset(std::string_view text) { return std::string(text.empty() ? "<unset>" : text); }

// A quantity that is not there prints as Go's zero.
std::string_view or_zero(std::string_view quantity) { return quantity.empty() ? "0" : quantity; }

void print_volume(const Object& object, MicroTime now, Cells& cells) {
  core_v1::PersistentVolume item(object);
  core_v1::ObjectReference claim = item.spec().claim_ref();
  std::string phase(item.status().phase());
  if (item.metadata().has_deletion_timestamp()) phase = "Terminating";
  std::string claimed;
  if (item.spec().has_claim_ref()) {
    claimed = std::string(claim.namespace_()) + "/" + std::string(claim.name());
  }
  cells.text(item.metadata().name());
  cells.text(or_zero(item.spec().capacity().find("storage")));
  cells.text(access_modes(item.spec().access_modes()));
  cells.text(item.spec().persistent_volume_reclaim_policy());
  cells.text(phase);
  cells.text(claimed);
  cells.text(storage_class(item.metadata(), item.spec().storage_class_name()));
  cells.text(or_unset(item.spec().volume_attributes_class_name()));
  cells.text(item.status().reason());
  cells.age(item.metadata().creation_timestamp(), now);
  cells.text(or_unset(item.spec().volume_mode()));
}

constexpr Column kClaim[] = {kNameColumn,
                             {"Status"},
                             {"Volume"},
                             {"Capacity"},
                             {"Access Modes"},
                             {"StorageClass"},
                             {"VolumeAttributesClass"},
                             kAgeColumn,
                             {"VolumeMode", "string", 1}};

void print_claim(const Object& object, MicroTime now, Cells& cells) {
  core_v1::PersistentVolumeClaim item(object);
  std::string phase(item.status().phase());
  if (item.metadata().has_deletion_timestamp()) phase = "Terminating";
  bool bound = !item.spec().volume_name().empty();
  cells.text(item.metadata().name());
  cells.text(phase);
  cells.text(item.spec().volume_name());
  cells.text(bound ? or_zero(item.status().capacity().find("storage")) : "");
  cells.text(bound ? access_modes(item.status().access_modes()) : "");
  cells.text(storage_class(item.metadata(), item.spec().storage_class_name()));
  cells.text(or_unset(item.spec().volume_attributes_class_name()));
  cells.age(item.metadata().creation_timestamp(), now);
  cells.text(or_unset(item.spec().volume_mode()));
}

constexpr Column kStorageClass[] = {
    kNameColumn,           {"Provisioner"},          {"ReclaimPolicy"},
    {"VolumeBindingMode"}, {"AllowVolumeExpansion"}, kAgeColumn};

void print_storage_class(const Object& object, MicroTime now, Cells& cells) {
  storage_v1::StorageClass item(object);
  std::string name(item.metadata().name());
  auto annotations = item.metadata().annotations();
  if (annotations.find("storageclass.kubernetes.io/is-default-class") == "true" ||
      annotations.find("storageclass.beta.kubernetes.io/is-default-class") == "true") {
    name += " (default)";
  }
  cells.text(name);
  cells.text(item.provisioner());
  cells.text(item.reclaim_policy().empty() ? "Delete" : item.reclaim_policy());
  cells.text(item.volume_binding_mode().empty() ? "Immediate" : item.volume_binding_mode());
  cells.boolean(item.allow_volume_expansion());
  cells.age(item.metadata().creation_timestamp(), now);
}

constexpr Column kCsiNode[] = {kNameColumn, {"Drivers", "integer"}, kAgeColumn};

void print_csi_node(const Object& object, MicroTime now, Cells& cells) {
  storage_v1::CSINode item(object);
  cells.text(item.metadata().name());
  cells.number(static_cast<int64_t>(item.spec().drivers().size()));
  cells.age(item.metadata().creation_timestamp(), now);
}

constexpr Column kCsiDriver[] = {kNameColumn,
                                 {"AttachRequired", "boolean"},
                                 {"PodInfoOnMount", "boolean"},
                                 {"StorageCapacity", "boolean"},
                                 {"TokenRequests"},
                                 {"RequiresRepublish", "boolean"},
                                 {"Modes"},
                                 kAgeColumn};

void print_csi_driver(const Object& object, MicroTime now, Cells& cells) {
  storage_v1::CSIDriver item(object);
  std::vector<std::string> modes, audiences;
  for (std::string_view mode : item.spec().volume_lifecycle_modes()) modes.emplace_back(mode);
  for (storage_v1::TokenRequest request : item.spec().token_requests()) {
    audiences.emplace_back(request.audience());
  }
  cells.text(item.metadata().name());
  cells.boolean(!item.spec().has_attach_required() || item.spec().attach_required());
  cells.boolean(item.spec().pod_info_on_mount());
  cells.boolean(item.spec().storage_capacity());
  cells.text(audiences.empty() ? "<unset>" : join(audiences, ","));
  cells.boolean(item.spec().requires_republish());
  cells.text(or_none(join(modes, ",")));
  cells.age(item.metadata().creation_timestamp(), now);
}

constexpr Column kAttachment[] = {kNameColumn, {"Attacher", "string", 0, "name"}, {"PV"},
                                  {"Node"},    {"Attached", "boolean"},           kAgeColumn};

void print_attachment(const Object& object, MicroTime now, Cells& cells) {
  storage_v1::VolumeAttachment item(object);
  cells.text(item.metadata().name());
  cells.text(item.spec().attacher());
  cells.text(item.spec().source().persistent_volume_name());
  cells.text(item.spec().node_name());
  cells.boolean(item.status().attached());
  cells.age(item.metadata().creation_timestamp(), now);
}

// ---- scheduling and quota ----

constexpr Column kPriorityClass[] = {kNameColumn,
                                     {"Value", "integer"},
                                     {"Global-Default", "boolean"},
                                     kAgeColumn,
                                     {"PreemptionPolicy"}};

void print_priority_class(const Object& object, MicroTime now, Cells& cells) {
  scheduling_v1::PriorityClass item(object);
  cells.text(item.metadata().name());
  cells.number(item.value());
  cells.boolean(item.global_default());
  cells.age(item.metadata().creation_timestamp(), now);
  cells.text(item.preemption_policy());
}

constexpr Column kRuntimeClass[] = {kNameColumn, {"Handler"}, kAgeColumn};

void print_runtime_class(const Object& object, MicroTime now, Cells& cells) {
  node_v1::RuntimeClass item(object);
  cells.text(item.metadata().name());
  cells.text(item.handler());
  cells.age(item.metadata().creation_timestamp(), now);
}

constexpr Column kQuota[] = {kNameColumn, {"Request"}, {"Limit"}, kAgeColumn};

void print_quota(const Object& object, MicroTime now, Cells& cells) {
  core_v1::ResourceQuota item(object);
  std::vector<std::string> requests, limits;
  for (auto [name, hard] : item.status().hard()) {
    std::string text = std::string(name) + ": " +
                       std::string(or_zero(item.status().used().find(name))) + "/" +
                       std::string(hard);
    (name.starts_with("limits.") ? limits : requests).push_back(text);
  }
  cells.text(item.metadata().name());
  cells.text(join(requests, ", "));
  cells.text(join(limits, ", "));
  cells.age(item.metadata().creation_timestamp(), now);
}

// ---- machinery ----

constexpr Column kWebhooks[] = {kNameColumn, {"Webhooks", "integer"}, kAgeColumn};

template <class Configuration>
void print_webhooks(const Object& object, MicroTime now, Cells& cells) {
  Configuration item(object);
  cells.text(item.metadata().name());
  cells.number(static_cast<int64_t>(item.webhooks().size()));
  cells.age(item.metadata().creation_timestamp(), now);
}

constexpr Column kRequest[] = {kNameColumn,           kAgeColumn,   {"SignerName"}, {"Requestor"},
                               {"RequestedDuration"}, {"Condition"}};

std::string request_condition(certificates_v1::CertificateSigningRequest request) {
  bool approved = false, denied = false, failed = false;
  for (certificates_v1::CertificateSigningRequestCondition condition :
       request.status().conditions()) {
    approved = approved || condition.type() == "Approved";
    denied = denied || condition.type() == "Denied";
    failed = failed || condition.type() == "Failed";
  }
  std::string text = denied ? "Denied" : approved ? "Approved" : "Pending";
  if (failed) text += ",Failed";
  if (!request.status().certificate().empty()) text += ",Issued";
  return text;
}

void print_request(const Object& object, MicroTime now, Cells& cells) {
  certificates_v1::CertificateSigningRequest item(object);
  cells.text(item.metadata().name());
  cells.age(item.metadata().creation_timestamp(), now);
  cells.text(or_none(item.spec().signer_name()));
  cells.text(item.spec().username());
  cells.text(item.spec().has_expiration_seconds()
                 ? human_duration(std::chrono::seconds(item.spec().expiration_seconds()))
                 : "<none>");
  cells.text(request_condition(item));
}

constexpr Column kFlowSchema[] = {
    kNameColumn, {"PriorityLevel"}, {"MatchingPrecedence"}, {"DistinguisherMethod"},
    kAgeColumn,  {"MissingPL"}};

void print_flow_schema(const Object& object, MicroTime now, Cells& cells) {
  flowcontrol_v1::FlowSchema item(object);
  std::string_view dangling = "?";
  for (flowcontrol_v1::FlowSchemaCondition condition : item.status().conditions()) {
    if (condition.type() == "Dangling") dangling = condition.status();
  }
  cells.text(item.metadata().name());
  cells.text(item.spec().priority_level_configuration().name());
  cells.number(item.spec().matching_precedence());
  cells.text(or_none(item.spec().distinguisher_method().type()));
  cells.age(item.metadata().creation_timestamp(), now);
  cells.text(dangling);
}

constexpr Column kApiService[] = {kNameColumn, {"Service"}, {"Available"}, kAgeColumn};

void print_api_service(const Object& object, MicroTime now, Cells& cells) {
  apiregistration_v1::APIService item(object);
  auto service = item.spec().service();
  std::string available = "Unknown";
  for (apiregistration_v1::APIServiceCondition condition : item.status().conditions()) {
    if (condition.type() != "Available") continue;
    available = condition.status();
    if (available != "True") available += " (" + std::string(condition.reason()) + ")";
  }
  cells.text(item.metadata().name());
  cells.text(item.spec().has_service()
                 ? std::string(service.namespace_()) + "/" + std::string(service.name())
                 : "Local");
  cells.text(available);
  cells.age(item.metadata().creation_timestamp(), now);
}

}  // namespace

std::span<const PrinterRow> policy_printers() {
  using admissionregistration_v1::MutatingWebhookConfiguration;
  using admissionregistration_v1::ValidatingWebhookConfiguration;
  static const PrinterRow kRows[] = {
      {&rbac_v1::RoleBinding::message(), {kBinding, print_binding<rbac_v1::RoleBinding>}},
      {&rbac_v1::ClusterRoleBinding::message(),
       {kBinding, print_binding<rbac_v1::ClusterRoleBinding>}},
      {&core_v1::PersistentVolume::message(), {kVolume, print_volume}},
      {&core_v1::PersistentVolumeClaim::message(), {kClaim, print_claim}},
      {&storage_v1::StorageClass::message(), {kStorageClass, print_storage_class}},
      {&storage_v1::CSINode::message(), {kCsiNode, print_csi_node}},
      {&storage_v1::CSIDriver::message(), {kCsiDriver, print_csi_driver}},
      {&storage_v1::VolumeAttachment::message(), {kAttachment, print_attachment}},
      {&scheduling_v1::PriorityClass::message(), {kPriorityClass, print_priority_class}},
      {&node_v1::RuntimeClass::message(), {kRuntimeClass, print_runtime_class}},
      {&core_v1::ResourceQuota::message(), {kQuota, print_quota}},
      {&ValidatingWebhookConfiguration::message(),
       {kWebhooks, print_webhooks<ValidatingWebhookConfiguration>}},
      {&MutatingWebhookConfiguration::message(),
       {kWebhooks, print_webhooks<MutatingWebhookConfiguration>}},
      {&certificates_v1::CertificateSigningRequest::message(), {kRequest, print_request}},
      {&flowcontrol_v1::FlowSchema::message(), {kFlowSchema, print_flow_schema}},
      {&apiregistration_v1::APIService::message(), {kApiService, print_api_service}},
  };
  return kRows;
}

}  // namespace tiphys::apiserver
