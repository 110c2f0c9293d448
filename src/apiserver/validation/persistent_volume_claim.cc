#include "apiserver/validation/persistent_volume_claim.h"

#include <optional>

#include "apiserver/validation/checks.h"
#include "apiserver/validation/internal_form.h"
#include "apiserver/validation/resource_names.h"
#include "apiserver/validation/selectors.h"
#include "object/quantity.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kAccessModes[] = {"ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce",
                                             "ReadWriteOncePod"};
constexpr std::string_view kVolumeModes[] = {"Block", "Filesystem"};
constexpr std::string_view kStorage[] = {"storage"};
constexpr std::string_view kClassAnnotation = "volume.beta.kubernetes.io/storage-class";
constexpr std::string_view kResizeStatuses[] = {
    "ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizeInProgress",
    "NodeResizeInfeasible", "NodeResizePending"};

// TypedLocalObjectReference and TypedObjectReference have these fields alike.
template <class ReferenceView>
void validate_data_source(ReferenceView source, bool any_group, const FieldPath& path,
                          FieldErrors& errors) {
  if (source.name().empty()) errors.required(path.child("name"));
  if (source.kind().empty()) errors.required(path.child("kind"));
  if (source.api_group().empty()) {
    if (source.kind() == "PersistentVolumeClaim") return;
    errors.invalid(path, source.kind(),
                   "must be 'PersistentVolumeClaim' when referencing the default apiGroup");
  } else if (!any_group) {
    errors.invalid_all(path.child("apiGroup"), source.api_group(),
                       check_dns1123_subdomain(source.api_group()));
  }
}

bool same_source(core_v1::PersistentVolumeClaimSpec spec) {
  core_v1::TypedLocalObjectReference source = spec.data_source();
  core_v1::TypedObjectReference reference = spec.data_source_ref();
  return source.has_api_group() == reference.has_api_group() &&
         source.api_group() == reference.api_group() && source.kind() == reference.kind() &&
         source.name() == reference.name();
}

void validate_data_sources(core_v1::PersistentVolumeClaimSpec spec, bool any_group,
                           const FieldPath& path, FieldErrors& errors) {
  if (spec.has_data_source()) {
    validate_data_source(spec.data_source(), any_group, path.child("dataSource"), errors);
  }
  if (!spec.has_data_source_ref()) return;
  core_v1::TypedObjectReference reference = spec.data_source_ref();
  FieldPath at = path.child("dataSourceRef");
  validate_data_source(reference, any_group, at, errors);
  if (!reference.namespace_().empty()) {
    errors.invalid_all(at.child("namespace"), reference.namespace_(),
                       check_dns1123_label(reference.namespace_()));
    if (spec.has_data_source()) {
      errors.invalid_raw(path, "{}",
                         "may not be specified when dataSourceRef.namespace is "
                         "specified");
    }
  } else if (spec.has_data_source() && !same_source(spec)) {
    errors.invalid_raw(path, "{}", "must match dataSourceRef");
  }
}

void validate_size(core_v1::PersistentVolumeClaimSpec spec, const FieldPath& path,
                   FieldErrors& errors) {
  MapView<std::string_view> requests = spec.resources().requests();
  FieldPath at = path.child("resources").key("storage");
  if (!requests.contains("storage")) {
    errors.required(at);
  } else if (Quantity::of(requests.find("storage")).sign() <= 0) {
    errors.invalid(at, requests.find("storage"), "must be greater than zero");
  }
}

bool has_bad_selector(core_v1::PersistentVolumeClaimSpec spec) {
  FieldErrors errors;
  validate_label_selector(spec.selector(), FieldPath(), errors);
  return !errors.empty();
}

// The storage class may be named where there was none, or only the old annotation.
bool may_set_class(core_v1::PersistentVolumeClaim claim, core_v1::PersistentVolumeClaim old) {
  if (old.spec().has_storage_class_name() || !claim.spec().has_storage_class_name()) return false;
  MapView<std::string_view> annotations = old.metadata().annotations();
  return !annotations.contains(kClassAnnotation) ||
         annotations.find(kClassAnnotation) == claim.spec().storage_class_name();
}

bool moves_annotation(core_v1::PersistentVolumeClaim claim, core_v1::PersistentVolumeClaim old) {
  if (!may_set_class(claim, old)) return false;
  MapView<std::string_view> before = old.metadata().annotations();
  MapView<std::string_view> now = claim.metadata().annotations();
  return before.contains(kClassAnnotation) &&
         (!now.contains(kClassAnnotation) ||
          now.find(kClassAnnotation) == before.find(kClassAnnotation));
}

core_v1::PersistentVolumeClaimSpecEdit copy_of(core_v1::PersistentVolumeClaimSpec spec,
                                               Arena& arena) {
  Value whole = Value::of_node(ValueType::kStruct, const_cast<Node*>(&spec.node()));
  return core_v1::PersistentVolumeClaimSpecEdit(arena, *arena.clone(whole).node);
}

// How the new spec differs from the old one but for what may change; nothing: it does not.
std::optional<std::string> forbidden_changes(core_v1::PersistentVolumeClaim claim,
                                             core_v1::PersistentVolumeClaim old) {
  Arena arena;
  core_v1::PersistentVolumeClaimSpecEdit spec = copy_of(claim.spec(), arena);
  core_v1::PersistentVolumeClaimSpecEdit kept = copy_of(old.spec(), arena);
  core_v1::PersistentVolumeClaimSpec before = old.spec();
  if (before.volume_name().empty() && !claim.spec().volume_name().empty()) {
    kept.set_volume_name(claim.spec().volume_name());
  }
  if (may_set_class(claim, old)) spec.clear_storage_class_name();
  if (claim.status().phase() == "Bound") {
    std::string_view size = before.resources().requests().find("storage");
    if (spec.view().resources().has_requests() && !size.empty()) {
      spec.edit_resources().edit_requests().set("storage", size);
    }
    spec.clear_volume_attributes_class_name();
    if (before.has_volume_attributes_class_name()) {
      spec.set_volume_attributes_class_name(before.volume_attributes_class_name());
    }
  }
  if (equal(spec.view(), kept.view())) return std::nullopt;
  return internal_diff(core_v1::PersistentVolumeClaimSpec::message_type(), kept.view().node(),
                       spec.view().node());
}

void validate_attributes_class(core_v1::PersistentVolumeClaim claim,
                               core_v1::PersistentVolumeClaim old, FieldErrors& errors) {
  core_v1::PersistentVolumeClaimSpec now = claim.spec();
  core_v1::PersistentVolumeClaimSpec before = old.spec();
  bool same = now.has_volume_attributes_class_name() == before.has_volume_attributes_class_name() &&
              now.volume_attributes_class_name() == before.volume_attributes_class_name();
  if (same || !old.status().has_current_volume_attributes_class_name()) return;
  if (!now.volume_attributes_class_name().empty()) return;
  std::string_view to = now.has_volume_attributes_class_name() ? "empty string" : "nil";
  errors.forbidden(FieldPath("spec.volumeAttributesClassName"),
                   "update to " + std::string(to) +
                       " is forbidden when status.currentVolumeAttributesClassName is not nil");
}

void check_claim_resource(std::string_view name, const FieldPath& path, FieldErrors& errors) {
  Messages messages = check_qualified_name(name);
  errors.invalid_all(path, name, messages);
  if (messages.empty() && is_native_resource(name) && name != "storage") {
    errors.not_supported(path, name, kStorage);
  }
}

ClaimLeniency leniency(core_v1::PersistentVolumeClaimSpec old) {
  return {.selector_values = has_bad_selector(old),
          .data_source_groups =
              old.data_source().has_api_group() || old.data_source_ref().has_api_group()};
}

void validate_kept(core_v1::PersistentVolumeClaim claim, core_v1::PersistentVolumeClaim old,
                   FieldErrors& errors) {
  core_v1::PersistentVolumeClaimSpec before = old.spec();
  std::string_view annotation = claim.metadata().annotations().find(kClassAnnotation);
  if (!moves_annotation(claim, old) &&
      annotation != old.metadata().annotations().find(kClassAnnotation)) {
    errors.invalid(FieldPath("metadata.annotations").child(kClassAnnotation), annotation,
                   "field is immutable");
  }
  if (std::optional<std::string> changes = forbidden_changes(claim, old)) {
    errors.forbidden(FieldPath("spec"),
                     "spec is immutable after creation except resources.requests and "
                     "volumeAttributesClassName for bound claims\n" +
                         *changes);
  }
  auto size_of = [](core_v1::PersistentVolumeClaimSpec spec) {
    return Quantity::of(spec.resources().requests().find("storage"));
  };
  Quantity size = size_of(claim.spec());
  if (size < size_of(before) && size <= Quantity::of(old.status().capacity().find("storage"))) {
    errors.forbidden(FieldPath("spec.resources.requests.storage"),
                     "field can not be less than status.capacity");
  }
  if (claim.spec().volume_mode() != before.volume_mode()) {
    errors.invalid(FieldPath("volumeMode"), claim.spec().volume_mode(), "field is immutable");
  }
  validate_attributes_class(claim, old, errors);
}

}  // namespace

void check_access_modes(const ListView<std::string_view>& modes, const FieldPath& path,
                        FieldErrors& errors) {
  bool pod = false;
  bool other = false;
  for (std::string_view mode : modes) {
    check_supported(mode, kAccessModes, path, errors);
    if (mode == "ReadWriteOncePod") {
      pod = true;
    } else {
      other |= is_one_of(mode, kAccessModes);
    }
  }
  if (pod && other) {
    errors.forbidden(path, "may not use ReadWriteOncePod with other access modes");
  }
}

void validate_claim_spec(core_v1::PersistentVolumeClaimSpec spec, ClaimLeniency allow,
                         const FieldPath& path, FieldErrors& errors) {
  FieldPath modes = path.child("accessModes");
  if (spec.access_modes().empty()) errors.required(modes, "at least 1 access mode is required");
  validate_label_selector(spec.selector(), path.child("selector"), errors, allow.selector_values);
  check_access_modes(spec.access_modes(), modes, errors);
  validate_size(spec, path, errors);
  if (!spec.storage_class_name().empty()) {
    errors.invalid_all(path.child("storageClassName"), spec.storage_class_name(),
                       check_dns1123_subdomain(spec.storage_class_name()));
  }
  if (spec.has_volume_mode()) {
    check_supported(spec.volume_mode(), kVolumeModes, path.child("volumeMode"), errors);
  }
  validate_data_sources(spec, allow.data_source_groups, path, errors);
  if (!spec.volume_attributes_class_name().empty()) {
    errors.invalid_all(path.child("volumeAttributesClassName"), spec.volume_attributes_class_name(),
                       check_dns1123_subdomain(spec.volume_attributes_class_name()));
  }
}

void validate_claim(core_v1::PersistentVolumeClaim claim, const core_v1::PersistentVolumeClaim* old,
                    FieldErrors& errors) {
  ClaimLeniency allow;
  if (old) allow = leniency(old->spec());
  validate_claim_spec(claim.spec(), allow, FieldPath("spec"), errors);
  if (old) validate_kept(claim, *old, errors);
}

void validate_claim_status(core_v1::PersistentVolumeClaim claim,
                           const core_v1::PersistentVolumeClaim*, FieldErrors& errors) {
  core_v1::PersistentVolumeClaimStatus status = claim.status();
  FieldPath path("status");
  auto check_amount = [&](std::string_view amount, const FieldPath& at) {
    int64_t value = Quantity::of(amount).value();
    if (value < 0) errors.invalid(at, value, "must be a valid resource quantity");
  };
  for (auto [name, amount] : status.capacity()) {
    check_amount(amount, path.child("capacity").key(name));
  }
  FieldPath statuses = path.child("allocatedResourceStatuses");
  for (auto [name, value] : status.allocated_resource_statuses()) {
    check_claim_resource(name, statuses, errors);
    if (!is_one_of(value, kResizeStatuses)) errors.not_supported(statuses, name, kResizeStatuses);
  }
  FieldPath allocated = path.child("allocatedResources");
  for (auto [name, amount] : status.allocated_resources()) {
    size_t before = errors.size();
    check_claim_resource(name, allocated, errors);
    if (errors.size() == before) check_amount(amount, allocated.key(name));
  }
}

}  // namespace tiphys::apiserver
