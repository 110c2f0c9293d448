#include "apiserver/registry/storable.h"

#include <algorithm>

#include "apiserver/registry/conversion.h"
#include "codec/codec.h"
#include "schema/message.h"

namespace tiphys::apiserver {
namespace {

// An empty list or map, which protobuf doesn't have.
bool is_lost(const schema::Field& field, const Value& value) {
  bool container = value.type == ValueType::kList || value.type == ValueType::kMap;
  return container && value.node->size == 0 && field.kind != schema::FieldKind::kAny;
}

bool same_value(const schema::Field& field, const Value& a, const Value& b) {
  if (a.type != b.type || !field.message || !a.is_node()) return equal(a, b);
  if (a.type == ValueType::kStruct) return same_stored(*field.message, *a.node, *b.node);
  if (a.node->size != b.node->size) return false;
  for (uint32_t i = 0; i < a.node->size; ++i) {
    const Value& x = a.node->data[i];
    const Value& y = b.node->data[i];
    bool structs = x.type == ValueType::kStruct && y.type == ValueType::kStruct;
    if (structs ? !same_stored(*field.message, *x.node, *y.node) : !equal(x, y)) return false;
  }
  return true;
}

void clean(Arena& arena, const schema::Message& type, Node& node) {
  for (uint32_t i = node.size; i > 0; --i) {
    Value value = node.data[i - 1];
    const schema::Field& field = type.fields[value.field];
    if (is_lost(field, value)) {
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

bool same_stored(const schema::Message& type, const Node& a, const Node& b,
                 std::span<const std::string_view> aside) {
  auto next = [&](const Node& node, uint32_t at) {
    for (; at < node.size; ++at) {
      const schema::Field& field = type.fields[node.data[at].field];
      bool left_out = std::ranges::find(aside, field.name) != aside.end();
      if (!left_out && !is_lost(field, node.data[at])) break;
    }
    return at;
  };
  uint32_t i = next(a, 0);
  uint32_t k = next(b, 0);
  while (i < a.size && k < b.size) {
    const Value& x = a.data[i];
    const Value& y = b.data[k];
    if (x.field != y.field || !same_value(type.fields[x.field], x, y)) return false;
    i = next(a, i + 1);
    k = next(b, k + 1);
  }
  return i == a.size && k == b.size;
}

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
