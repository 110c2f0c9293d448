#include "kinds/metadata.h"

namespace tiphys {

meta_v1::ObjectMeta metadata(const Object& object) {
  const schema::Message& type = object.type();
  if (type.metadata_field < 0) return meta_v1::ObjectMeta();
  auto index = static_cast<uint16_t>(type.metadata_field);
  if (type.fields[index].message != &meta_v1::ObjectMeta::message_type()) {
    return meta_v1::ObjectMeta();
  }
  return meta_v1::ObjectMeta(object.root().field(index).as_node());
}

meta_v1::ObjectMetaEdit edit_metadata(Draft& draft) {
  assert(draft.type().metadata_field >= 0);
  auto index = static_cast<uint16_t>(draft.type().metadata_field);
  return Edit(draft).in(index).as<meta_v1::ObjectMetaEdit>();
}

std::string key_of(const Object& object) {
  meta_v1::ObjectMeta meta = metadata(object);
  std::string key(meta.namespace_());
  if (!key.empty()) key += '/';
  return key += meta.name();
}

bool has_finalizer(const Object& object, std::string_view finalizer) {
  for (std::string_view each : metadata(object).finalizers()) {
    if (each == finalizer) return true;
  }
  return false;
}

meta_v1::OwnerReference controller_of(const meta_v1::ObjectMeta& meta) {
  for (meta_v1::OwnerReference owner : meta.owner_references()) {
    if (owner.controller()) return owner;
  }
  return meta_v1::OwnerReference();
}

bool is_controlled_by(const Object& object, std::string_view owner_uid) {
  meta_v1::OwnerReference owner = controller_of(metadata(object));
  return !owner_uid.empty() && owner.uid() == owner_uid;
}

void set_controller(Draft& draft, const Object& owner) {
  meta_v1::OwnerReferenceEdit reference = edit_metadata(draft).edit_owner_references().append();
  reference.set_api_version(owner.gvk()->api_version());
  reference.set_kind(owner.gvk()->kind);
  reference.set_name(name_of(owner));
  reference.set_uid(uid_of(owner));
  reference.set_controller(true);
  reference.set_block_owner_deletion(true);
}

}  // namespace tiphys
