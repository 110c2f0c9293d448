// Keys of objects, as informers and work queues use them. Pure.
#pragma once
#include <string>
#include <string_view>
#include <utility>

#include "kinds/metadata.h"

namespace tiphys::client {

using tiphys::edit_metadata;
using tiphys::metadata;

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
