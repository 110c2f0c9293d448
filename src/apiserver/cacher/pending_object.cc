#include "apiserver/cacher/pending_object.h"

#include "schema/message.h"

namespace tiphys::apiserver {

ObjectPtr PendingObject::stamp(storage::Revision revision) const {
  if (object_ && revision_ != revision) return with_resource_version(*object_, revision);
  if (!object_) {
    set_resource_version(*draft_, revision);
    object_ = draft_->freeze();
    revision_ = revision;
    draft_.reset();
  }
  return object_;
}

void set_resource_version(Draft& draft, storage::Revision revision) {
  const schema::Message& type = draft.type();
  if (type.metadata_field < 0) return;
  auto index = static_cast<uint16_t>(type.metadata_field);
  const schema::Message* metadata = type.fields[index].message;
  const schema::Field* field = metadata ? metadata->find("resourceVersion") : nullptr;
  if (!field) return;
  Node& node = ensure_node(draft.arena(), draft.root(), index, ValueType::kStruct);
  Value text = revision == 0 ? Value() : draft.arena().string(std::to_string(revision));
  set_field(draft.arena(), node, metadata->index_of(*field), text);
}

ObjectPtr with_resource_version(const Object& object, storage::Revision revision) {
  Draft draft(object);
  set_resource_version(draft, revision);
  return draft.freeze();
}

}  // namespace tiphys::apiserver
