#include "apiserver/registry/storable.h"

#include "apiserver/registry/conversion.h"
#include "codec/codec.h"
#include "schema/message.h"

namespace tiphys::apiserver {
namespace {

void clean(Arena& arena, const schema::Message& type, Node& node) {
  for (uint32_t i = node.size; i > 0; --i) {
    Value value = node.data[i - 1];
    const schema::Field& field = type.fields[value.field];
    bool container = value.type == ValueType::kList || value.type == ValueType::kMap;
    if (container && value.node->size == 0 && field.kind != schema::FieldKind::kAny) {
      set_field(arena, node, value.field, Value());
      continue;
    }
    if (!field.message || !value.is_node()) continue;
    if (value.type == ValueType::kStruct) {
      clean(arena, *field.message, *value.node);
      continue;
    }
    for (uint32_t k = 0; k < value.node->size; ++k) {
      const Value& item = value.node->data[k];
      if (item.type == ValueType::kStruct) clean(arena, *field.message, *item.node);
    }
  }
}

}  // namespace

void make_storable(Draft& object) { clean(object.arena(), object.type(), object.root()); }

ObjectPut make_put(const schema::Resource& resource, std::string key, Draft object) {
  set_resource_version(object, 0);
  auto bytes = std::make_shared<std::string>();
  codec::encode_object(codec::Format::kProtobuf, object.type(), object.root(),
                       &storage_gvk(resource), *bytes);
  ObjectPut made;
  made.put.key = std::move(key);
  made.put.value = std::move(bytes);
  made.pending = std::make_shared<const PendingObject>(std::move(object));
  made.put.attachment = made.pending;
  return made;
}

}  // namespace tiphys::apiserver
