#include "scheduler/volume_objects.h"

#include <algorithm>

#include "kinds/metadata.h"
#include "scheduler/resources.h"

namespace tiphys::scheduler {
namespace {

constexpr std::string_view kClassAnnotation = "volume.beta.kubernetes.io/storage-class";
constexpr std::string_view kNoProvisioner = "kubernetes.io/no-provisioner";

// The old annotation goes before the field.
std::string class_of(const meta_v1::ObjectMeta& metadata, std::string_view field) {
  Labels annotations = metadata.annotations();
  if (annotations.contains(kClassAnnotation))
    return std::string(annotations.find(kClassAnnotation));
  return std::string(field);
}

std::vector<std::string> texts(const ListView<std::string_view>& list) {
  std::vector<std::string> made;
  for (std::string_view text : list) made.emplace_back(text);
  return made;
}

std::string mode_of(std::string_view volume_mode) {
  return std::string(volume_mode.empty() ? "Filesystem" : volume_mode);
}

}  // namespace

Claim::Claim(ObjectPtr claim) : object(std::move(claim)) {
  core_v1::PersistentVolumeClaim view(*object);
  meta_v1::ObjectMeta metadata = view.metadata();
  core_v1::PersistentVolumeClaimSpec spec = view.spec();
  key = key_of(*object);
  uid = metadata.uid();
  class_name = class_of(metadata, spec.storage_class_name());
  volume_name = spec.volume_name();
  Labels annotations = metadata.annotations();
  bound = !volume_name.empty() && annotations.contains(kBindCompleted);
  lost = view.status().phase() == "Lost";
  deleting = metadata.has_deletion_timestamp();
  if (annotations.contains(kSelectedNode)) selected_node = annotations.find(kSelectedNode);
  controller_uid = controller_of(metadata).uid();
  if (MapView<std::string_view> sizes = spec.resources().requests(); sizes.contains("storage")) {
    requested = whole_value(sizes.find("storage"));
  }
  access_modes = texts(spec.access_modes());
  volume_mode = mode_of(spec.volume_mode());
  attributes_class = spec.volume_attributes_class_name();
  selector = from_label_selector(spec.has_selector(), spec.selector());
}

bool Claim::has_access_mode(std::string_view mode) const {
  return std::find(access_modes.begin(), access_modes.end(), mode) != access_modes.end();
}

Volume::Volume(ObjectPtr volume) : object(std::move(volume)) {
  core_v1::PersistentVolume view(*object);
  meta_v1::ObjectMeta metadata = view.metadata();
  core_v1::PersistentVolumeSpec spec = view.spec();
  name = metadata.name();
  class_name = class_of(metadata, spec.storage_class_name());
  labels = metadata.labels();
  capacity = whole_value(spec.capacity().find("storage"));
  access_modes = texts(spec.access_modes());
  volume_mode = mode_of(spec.volume_mode());
  attributes_class = spec.volume_attributes_class_name();
  available = view.status().phase() == "Available";
  deleting = metadata.has_deletion_timestamp();
  if (spec.has_claim_ref()) {
    core_v1::ObjectReference claim = spec.claim_ref();
    claim_key = std::string(claim.namespace_()) + "/" + std::string(claim.name());
    claim_uid = claim.uid();
  }
  has_terms = spec.node_affinity().has_required();
  for (core_v1::NodeSelectorTerm term : spec.node_affinity().required().node_selector_terms()) {
    terms.push_back(from_node_term(term));
  }
  driver = spec.csi().driver();
  handle = spec.csi().volume_handle();
  if (terms.size() != 1) return;
  for (const Requirement& r : terms[0].labels.requirements) {
    if (r.op != Requirement::Operator::kIn || r.values.size() != 1) continue;
    pin_key = r.key;
    pin_value = r.values[0];
    return;
  }
}

bool Volume::usable_from(const Labels& node) const {
  if (!has_terms) return true;
  return std::any_of(terms.begin(), terms.end(),
                     [&](const NodeTerm& term) { return term.matches(node, ""); });
}

StorageClass::StorageClass(const Object& storage_class) {
  storage_v1::StorageClass view(storage_class);
  name = view.metadata().name();
  provisioner = view.provisioner();
  waits_for_consumer = view.volume_binding_mode() == "WaitForFirstConsumer";
  for (core_v1::TopologySelectorTerm term : view.allowed_topologies()) {
    restricted = true;
    LabelMatch match;
    for (core_v1::TopologySelectorLabelRequirement r : term.match_label_expressions()) {
      match.requirements.push_back(
          {std::string(r.key()), Requirement::Operator::kIn, texts(r.values())});
    }
    if (!match.requirements.empty()) topologies.push_back(std::move(match));
  }
}

bool StorageClass::provisions() const {
  return !provisioner.empty() && provisioner != kNoProvisioner;
}

bool StorageClass::allows(const Labels& node) const {
  if (!restricted) return true;
  return std::any_of(topologies.begin(), topologies.end(),
                     [&](const LabelMatch& match) { return match.matches(node); });
}

StorageCapacity::StorageCapacity(const Object& object) {
  storage_v1::CSIStorageCapacity view(object);
  class_name = view.storage_class_name();
  if (view.has_capacity()) capacity = whole_value(view.capacity());
  limit = view.has_maximum_volume_size() ? whole_value(view.maximum_volume_size()) : capacity;
  nodes = from_label_selector(view.has_node_topology(), view.node_topology());
}

}  // namespace tiphys::scheduler
