#include "client/object_store.h"

namespace tiphys::client {

ObjectStore::Key ObjectStore::key_of(const Object& object) {
  meta_v1::ObjectMeta meta = metadata(object);
  return {meta.namespace_(), meta.name()};
}

void ObjectStore::add_index(std::string name, IndexFunction function) {
  auto [entry, added] = indexes_.try_emplace(std::move(name), Index{std::move(function), {}});
  if (!added) return;
  Index& index = entry->second;
  for (const auto& [object_key, object] : objects_) {
    for (std::string& key : index.function(*object)) {
      index.found[std::move(key)].insert_or_assign(object_key, object);
    }
  }
}

void ObjectStore::unindex(const ObjectPtr& object) {
  for (auto& [name, index] : indexes_) {
    for (const std::string& key : index.function(*object)) {
      auto found = index.found.find(key);
      if (found == index.found.end()) continue;
      found->second.erase(key_of(*object));
      if (found->second.empty()) index.found.erase(found);
    }
  }
}

void ObjectStore::index(const ObjectPtr& object) {
  for (auto& [name, index] : indexes_) {
    for (std::string& key : index.function(*object)) {
      index.found[std::move(key)].insert_or_assign(key_of(*object), object);
    }
  }
}

ObjectPtr ObjectStore::put(ObjectPtr object) {
  Key key = key_of(*object);
  ObjectPtr old;
  auto node = objects_.extract(key);
  if (node.empty()) {
    objects_.emplace(key, object);
  } else {
    old = std::move(node.mapped());
    unindex(old);
    node.key() = key;  // the key must look into the object that is kept
    node.mapped() = object;
    objects_.insert(std::move(node));
  }
  index(object);
  return old;
}

ObjectPtr ObjectStore::erase(std::string_view ns, std::string_view name) {
  auto node = objects_.extract(Key{ns, name});
  if (node.empty()) return nullptr;
  unindex(node.mapped());
  return std::move(node.mapped());
}

ObjectPtr ObjectStore::get(std::string_view ns, std::string_view name) const {
  auto found = objects_.find(Key{ns, name});
  return found == objects_.end() ? nullptr : found->second;
}

std::vector<ObjectPtr> ObjectStore::list(std::string_view ns) const {
  std::vector<ObjectPtr> result;
  auto at = ns.empty() ? objects_.begin() : objects_.lower_bound(Key{ns, {}});
  for (; at != objects_.end() && (ns.empty() || at->first.first == ns); ++at) {
    result.push_back(at->second);
  }
  return result;
}

std::vector<ObjectPtr> ObjectStore::by_index(std::string_view index, std::string_view key) const {
  std::vector<ObjectPtr> result;
  auto found = indexes_.find(index);
  if (found == indexes_.end()) return result;
  auto entry = found->second.found.find(std::string(key));
  if (entry == found->second.found.end()) return result;
  for (const auto& [name, object] : entry->second) result.push_back(object);
  return result;
}

}  // namespace tiphys::client
