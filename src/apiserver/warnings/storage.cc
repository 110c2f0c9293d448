// Claims, volumes, their classes and capacities.
#include "apiserver/warnings/kinds.h"
#include "kinds/storage_v1.h"

namespace tiphys::apiserver {
namespace {

using Source = core_v1::PersistentVolumeSource;

constexpr std::string_view kBetaStorageClass = "volume.beta.kubernetes.io/storage-class";
constexpr std::string_view kMountOptions = "volume.beta.kubernetes.io/mount-options";
constexpr std::string_view kUseStorageClass =
    R"(deprecated since v1.8; use "storageClassName" attribute instead)";

struct OldPlugin {
  bool (*used)(Source source);
  std::string_view field;
  std::string_view text;
};

const OldPlugin kOldPlugins[] = {
    {[](Source s) { return s.has_cephfs(); }, "cephfs",
     "deprecated in v1.28, non-functional in v1.31+"},
    {[](Source s) { return s.has_photon_persistent_disk(); }, "photonPersistentDisk",
     "deprecated in v1.11, non-functional in v1.16+"},
    {[](Source s) { return s.has_scale_io(); }, "scaleIO",
     "deprecated in v1.16, non-functional in v1.22+"},
    {[](Source s) { return s.has_storageos(); }, "storageOS",
     "deprecated in v1.22, non-functional in v1.25+"},
    {[](Source s) { return s.has_glusterfs(); }, "glusterfs",
     "deprecated in v1.25, non-functional in v1.26+"},
    {[](Source s) { return s.has_rbd(); }, "rbd", "deprecated in v1.28, non-functional in v1.31+"},
};

FieldPath annotation_path(std::string_view key) {
  return FieldPath("metadata").child("annotations").key(key);
}

}  // namespace

void warn_of_claim(const Object& object, const Object*, Warnings& warnings) {
  core_v1::PersistentVolumeClaim claim(object);
  if (claim.metadata().annotations().contains(kBetaStorageClass)) {
    warn(warnings, annotation_path(kBetaStorageClass), kUseStorageClass);
  }
  warn_of_claim_spec(claim.spec(), FieldPath("spec"), warnings);
}

void warn_of_persistent_volume(const Object& object, const Object*, Warnings& warnings) {
  core_v1::PersistentVolume volume(object);
  auto annotations = volume.metadata().annotations();
  FieldPath path("spec");
  if (annotations.contains(kBetaStorageClass)) {
    warn(warnings, annotation_path(kBetaStorageClass), kUseStorageClass);
  }
  if (annotations.contains(kMountOptions)) {
    warn(warnings, annotation_path(kMountOptions),
         R"(deprecated since v1.31; use "mountOptions" attribute instead)");
  }
  if (volume.spec().persistent_volume_reclaim_policy() == "Recycle") {
    warn(warnings, path.child("persistentVolumeReclaimPolicy"),
         "The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use "
         "dynamic provisioning.");
  }
  FieldPath terms = path.child("nodeAffinity").child("required").child("nodeSelectorTerms");
  size_t i = 0;
  for (auto term : volume.spec().node_affinity().required().node_selector_terms()) {
    warn_of_node_term(term, false, terms.index(i++), warnings);
  }
  for (const OldPlugin& plugin : kOldPlugins) {
    if (plugin.used(volume.spec().persistent_volume_source())) {
      warn(warnings, path.child(plugin.field), plugin.text);
    }
  }
}

// Where the tokens that the driver asks for are new, and it does not say how it wants them.
void warn_of_csi_driver(const Object& object, const Object* old, Warnings& warnings) {
  storage_v1::CSIDriverSpec spec = storage_v1::CSIDriver(object).spec();
  auto requests = [](const Object& driver) {
    return schema::find_path(driver.type(), driver.root(), {"spec", "tokenRequests"});
  };
  if (spec.token_requests().empty() || spec.has_service_account_token_in_secrets()) return;
  if (old && equal(requests(object), requests(*old))) return;
  warnings.emplace_back(
      "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to "
      "prevent possible logging of tokens in volume attributes");
}

void warn_of_storage_class(const Object& object, const Object*, Warnings& warnings) {
  size_t i = 0;
  for (auto term : storage_v1::StorageClass(object).allowed_topologies()) {
    FieldPath at = FieldPath("allowedTopologies").index(i++).child("matchLabelExpressions");
    size_t position = 0;
    for (auto expression : term.match_label_expressions()) {
      FieldPath key = at.index(position++).child("key");
      std::string_view text = deprecated_node_label(expression.key());
      if (!text.empty()) warn(warnings, key, text);
    }
  }
}

void warn_of_storage_capacity(const Object& object, const Object*, Warnings& warnings) {
  meta_v1::LabelSelector topology = storage_v1::CSIStorageCapacity(object).node_topology();
  FieldPath path("nodeTopology");
  size_t i = 0;
  for (auto expression : topology.match_expressions()) {
    FieldPath key = path.child("matchExpressions").index(i++).child("key");
    std::string_view text = deprecated_node_label(expression.key());
    if (text.empty()) continue;
    warn(warnings, key, std::string(expression.key()) + " is " + std::string(text));
  }
  for (auto entry : topology.match_labels()) {
    std::string_view text = deprecated_node_label(entry.key);
    if (!text.empty()) warn(warnings, path.child("matchLabels").child(entry.key), text);
  }
}

}  // namespace tiphys::apiserver
