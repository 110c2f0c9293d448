#include "scheduler/volume_plan.h"

#include "kinds/metadata.h"

namespace tiphys::scheduler {

ObjectPtr volume_for_claim(const Volume& volume, const Claim& claim) {
  if (volume.claim_key == claim.key && volume.claim_uid == claim.uid) return nullptr;
  Draft draft(*volume.object);
  core_v1::PersistentVolumeEdit edit(draft);
  core_v1::ObjectReferenceEdit ref = edit.edit_spec().edit_claim_ref();
  ref.clear_field_path();
  ref.set_api_version("v1");
  ref.set_kind("PersistentVolumeClaim");
  ref.set_namespace(namespace_of(*claim.object));
  ref.set_name(name_of(*claim.object));
  ref.set_uid(claim.uid);
  ref.set_resource_version(resource_version_of(*claim.object));
  if (!volume.names(claim)) edit.edit_metadata().edit_annotations().set(kBoundByController, "yes");
  return draft.freeze();
}

ObjectPtr claim_on_node(const Claim& claim, std::string_view node) {
  if (claim.selected_node == node) return nullptr;
  Draft draft(*claim.object);
  edit_metadata(draft).edit_annotations().set(kSelectedNode, node);
  return draft.freeze();
}

}  // namespace tiphys::scheduler
