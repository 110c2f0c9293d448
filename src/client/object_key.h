// Metadata and keys of any object, as informers and work queues use them. Pure.
#pragma once
#include <string>
#include <string_view>
#include <utility>

#include "kinds/meta_v1.h"
#include "object/object.h"
#include "schema/message.h"

namespace tiphys::client {

// The ObjectMeta of an object of any kind; empty if its type has none. Lives as long as the object.
inline meta_v1::ObjectMeta metadata(const Object& object) {
  int16_t field = object.type().metadata_field;
  if (field < 0) return meta_v1::ObjectMeta();
  return meta_v1::ObjectMeta(object.root().field(static_cast<uint16_t>(field)).as_node());
}

// The metadata of a draft, for edits. Requires: the type has metadata.
inline meta_v1::ObjectMetaEdit edit_metadata(Draft& draft) {
  auto field = static_cast<uint16_t>(draft.type().metadata_field);
  Node& node = ensure_node(draft.arena(), draft.root(), field, ValueType::kStruct);
  return meta_v1::ObjectMetaEdit(draft.arena(), node);
}

// "namespace/name", or "name" of a cluster-scoped object.
inline std::string object_key(std::string_view ns, std::string_view name) {
  std::string key(ns);
  if (!ns.empty()) key += '/';
  key += name;
  return key;
}
inline std::string object_key(const Object& object) {
  meta_v1::ObjectMeta meta = metadata(object);
  return object_key(meta.namespace_(), meta.name());
}
// The reverse: {namespace, name}.
inline std::pair<std::string_view, std::string_view> split_key(std::string_view key) {
  size_t slash = key.find('/');
  if (slash == std::string_view::npos) return {{}, key};
  return {key.substr(0, slash), key.substr(slash + 1)};
}

}  // namespace tiphys::client
