#include "apiserver/validation/persistent_volume.h"

#include <optional>

#include "apiserver/validation/affinity.h"
#include "apiserver/validation/checks.h"
#include "apiserver/validation/internal_form.h"
#include "apiserver/validation/persistent_volume_claim.h"
#include "apiserver/validation/rules.h"
#include "apiserver/validation/volume.h"
#include "base/strings.h"
#include "object/quantity.h"

namespace tiphys::apiserver {
namespace {

constexpr VolumeSourceRow kSources[] = {
    {"hostPath", "", ""},
    {"gcePersistentDisk", "persistentDisk", "gcePersistentDisk"},
    {"awsElasticBlockStore", "", ""},
    {"glusterfs", "", ""},
    {"flocker", "", ""},
    {"nfs", "", ""},
    {"rbd", "", ""},
    {"quobyte", "", ""},
    {"cephfs", "", "cephFS"},
    {"iscsi", "", ""},
    {"cinder", "", ""},
    {"fc", "", ""},
    {"flexVolume", "", "", true},
    {"azureFile", "", ""},
    {"vsphereVolume", "", ""},
    {"photonPersistentDisk", "", ""},
    {"portworxVolume", "", ""},
    {"azureDisk", "", ""},
    {"scaleIO", "", ""},
    {"local", "", ""},
    {"storageos", "", ""},
    {"csi", "", ""},
};

constexpr std::string_view kReclaimPolicies[] = {"Delete", "Recycle", "Retain"};
constexpr std::string_view kVolumeModes[] = {"Block", "Filesystem"};
constexpr std::string_view kStorage[] = {"storage"};
constexpr size_t kMaxIscsiName = 64;

// Labels of nodes that were renamed when they became stable.
struct RenamedLabel {
  std::string_view beta;
  std::string_view stable;
};

constexpr RenamedLabel kRenamedLabels[] = {
    {"failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"},
    {"failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"},
    {"beta.kubernetes.io/os", "kubernetes.io/os"},
    {"beta.kubernetes.io/arch", "kubernetes.io/arch"},
    {"beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type"}};

void validate_capacity(core_v1::PersistentVolumeSpec spec, const FieldPath& path,
                       FieldErrors& errors) {
  MapView<std::string_view> capacity = spec.capacity();
  if (capacity.empty()) errors.required(path);
  if (!capacity.contains("storage") || capacity.size() > 1) {
    errors.not_supported_raw(
        path, printed_field(core_v1::PersistentVolumeSpec::message_type(), spec.node(), "capacity"),
        kStorage);
  }
  for (auto [name, amount] : capacity) {
    Quantity quantity = Quantity::of(amount);
    if (quantity.value() < 0) {
      errors.invalid(path.key(name), quantity.value(), "must be a valid resource quantity");
    }
    if (quantity.sign() <= 0) errors.invalid(path.key(name), amount, "must be greater than zero");
  }
}

void validate_node_affinity(core_v1::PersistentVolumeSpec spec, bool lenient, const FieldPath& at,
                            FieldErrors& errors) {
  if (!spec.has_node_affinity()) return;
  if (spec.node_affinity().has_required()) {
    validate_node_selector(spec.node_affinity().required(), lenient, at.child("required"), errors);
  } else {
    errors.required(at.child("required"), "must specify required node constraints");
  }
}

// "/", "//", "/./" and so on.
bool is_root(std::string_view path) {
  if (!path.starts_with('/')) return false;
  size_t depth = 0;
  for (std::string_view step : split(path, '/')) {
    if (step.empty() || step == ".") continue;
    if (step != "..") {
      ++depth;
    } else if (depth > 0) {
      --depth;
    }
  }
  return depth == 0;
}

void validate_attributes_class(core_v1::PersistentVolumeSpec spec, const FieldPath& path,
                               FieldErrors& errors) {
  if (!spec.has_volume_attributes_class_name()) return;
  FieldPath at = path.child("volumeAttributesClassName");
  std::string_view name = spec.volume_attributes_class_name();
  if (name.empty()) {
    errors.required(at, "an empty string is disallowed");
  } else {
    errors.invalid_all(at, name, check_dns1123_subdomain(name));
  }
  if (!spec.has_csi()) {
    errors.required(path.child("csi"), "has to be specified when using volumeAttributesClassName");
  }
}

void validate_sources(core_v1::PersistentVolumeSpec spec, std::string_view name, bool has_affinity,
                      const FieldPath& path, FieldErrors& errors) {
  validate_volume_sources(core_v1::PersistentVolumeSource::message_type(),
                          spec.persistent_volume_source().node(), kSources, path, errors);
  std::string_view portal = spec.iscsi().target_portal();
  if (spec.iscsi().has_initiator_name() && name.size() + 1 + portal.size() > kMaxIscsiName) {
    errors.invalid(path.child("iscsi").child("targetportal"), portal,
                   "Total length of <volume name>:<iscsi.targetPortal> must be under 64 "
                   "characters if iscsi.initiatorName is specified.");
  }
  if (spec.has_local() && !has_affinity) {
    errors.required(path.child("nodeAffinity"), "Local volume requires node affinity");
  }
  if (spec.persistent_volume_reclaim_policy() == "Recycle" && is_root(spec.host_path().path())) {
    errors.forbidden(path.child("persistentVolumeReclaimPolicy"),
                     "may not be 'recycle' for a hostPath mount of '/'");
  }
}

void validate_spec(core_v1::PersistentVolume volume, bool lenient, FieldErrors& errors) {
  FieldPath path("spec");
  core_v1::PersistentVolumeSpec spec = volume.spec();
  if (spec.access_modes().empty()) errors.required(path.child("accessModes"));
  check_access_modes(spec.access_modes(), path.child("accessModes"), errors);
  validate_capacity(spec, path.child("capacity"), errors);
  std::string_view policy = spec.persistent_volume_reclaim_policy();
  if (!policy.empty()) {
    check_supported(policy, kReclaimPolicies, path.child("persistentVolumeReclaimPolicy"), errors);
  }
  validate_node_affinity(spec, lenient, path.child("nodeAffinity"), errors);
  validate_sources(spec, volume.metadata().name(), spec.has_node_affinity(), path, errors);
  if (!spec.storage_class_name().empty()) {
    errors.invalid_all(path.child("storageClassName"), spec.storage_class_name(),
                       check_dns1123_subdomain(spec.storage_class_name()));
  }
  if (spec.has_volume_mode()) {
    check_supported(spec.volume_mode(), kVolumeModes, path.child("volumeMode"), errors);
  }
  validate_attributes_class(spec, path, errors);
}

// How the source changed; nothing: it did not. A secret for expansion may be added later.
std::optional<std::string> source_changes(core_v1::PersistentVolumeSpec now,
                                          core_v1::PersistentVolumeSpec old) {
  Arena arena;
  const Node& source = now.persistent_volume_source().node();
  Node* copy = arena.clone(Value::of_node(ValueType::kStruct, const_cast<Node*>(&source))).node;
  core_v1::PersistentVolumeSourceEdit edit(arena, *copy);
  if (now.has_csi() && old.has_csi() && !old.csi().has_controller_expand_secret_ref()) {
    edit.edit_csi().clear_controller_expand_secret_ref();
  }
  if (equal(edit.view(), old.persistent_volume_source())) return std::nullopt;
  return internal_diff(core_v1::PersistentVolumeSource::message_type(),
                       old.persistent_volume_source().node(), edit.view().node());
}

// The same affinity once labels have the names that the new one has.
bool same_affinity(core_v1::VolumeNodeAffinity now, core_v1::VolumeNodeAffinity old) {
  if (equal(now, old)) return true;
  Arena arena;
  Node* copy = arena.clone(Value::of_node(ValueType::kStruct, const_cast<Node*>(&old.node()))).node;
  core_v1::VolumeNodeAffinityEdit edit(arena, *copy);
  auto terms = edit.edit_required().edit_node_selector_terms();
  auto now_terms = now.required().node_selector_terms();
  for (size_t i = 0; i < terms.size() && i < now_terms.size(); ++i) {
    if (terms[i].view().match_expressions().empty()) continue;
    auto requirements = terms[i].edit_match_expressions();
    auto now_requirements = now_terms[i].match_expressions();
    for (size_t k = 0; k < requirements.size() && k < now_requirements.size(); ++k) {
      for (const RenamedLabel& label : kRenamedLabels) {
        if (label.beta != requirements[k].view().key()) continue;
        if (label.stable == now_requirements[k].key()) requirements[k].set_key(label.stable);
      }
    }
  }
  return equal(now, edit.view());
}

void validate_kept(core_v1::PersistentVolumeSpec now, core_v1::PersistentVolumeSpec before,
                   FieldErrors& errors) {
  if (std::optional<std::string> changes = source_changes(now, before)) {
    errors.forbidden(FieldPath("spec.persistentvolumesource"),
                     "spec.persistentvolumesource is immutable after creation\n" + *changes);
  }
  if (now.volume_mode() != before.volume_mode()) {
    errors.invalid(FieldPath("volumeMode"), now.volume_mode(), "field is immutable");
  }
  if (before.has_node_affinity() && !same_affinity(now.node_affinity(), before.node_affinity())) {
    errors.invalid_raw(
        FieldPath("nodeAffinity"),
        printed_field(core_v1::PersistentVolumeSpec::message_type(), now.node(), "nodeAffinity"),
        "field is immutable, except for updating from beta label to GA");
  }
  if (before.has_volume_attributes_class_name() && !now.has_volume_attributes_class_name()) {
    errors.forbidden(FieldPath("spec.volumeAttributesClassName"),
                     "update from non-nil value to nil is forbidden");
  }
}

constexpr std::string_view kNotInline = "may not be specified in the context of inline volumes";

}  // namespace

void validate_inline_volume(core_v1::PersistentVolumeSpec spec, const FieldPath& path,
                            FieldErrors& errors) {
  if (spec.has_claim_ref()) errors.forbidden(path.child("claimRef"), kNotInline);
  if (!spec.capacity().empty()) errors.forbidden(path.child("capacity"), kNotInline);
  if (!spec.has_csi()) {
    errors.required(path.child("csi"), "has to be specified in the context of inline volumes");
  }
  if (spec.access_modes().empty()) errors.required(path.child("accessModes"));
  check_access_modes(spec.access_modes(), path.child("accessModes"), errors);
  std::string_view policy = spec.persistent_volume_reclaim_policy();
  if (!policy.empty() && policy != "Retain") {
    errors.forbidden(path.child("persistentVolumeReclaimPolicy"),
                     "may only be Retain in the context of inline volumes");
  }
  if (spec.has_node_affinity()) errors.forbidden(path.child("nodeAffinity"), kNotInline);
  validate_sources(spec, "", false, path, errors);
  if (!spec.storage_class_name().empty()) {
    errors.forbidden(path.child("storageClassName"), kNotInline);
  }
  if (spec.has_volume_mode() && spec.volume_mode() != "Filesystem") {
    errors.forbidden(
        path.child("volumeMode"),
        "may not specify volumeMode other than Filesystem in the context of inline volumes");
  }
}

void validate_persistent_volume(core_v1::PersistentVolume volume,
                                const core_v1::PersistentVolume* old, FieldErrors& errors) {
  bool lenient = old && has_invalid_node_values(old->spec().node_affinity().required());
  validate_spec(volume, lenient, errors);
  if (old) validate_kept(volume.spec(), old->spec(), errors);
}

}  // namespace tiphys::apiserver
