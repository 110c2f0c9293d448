// ObjectStore: the objects of one resource by (namespace, name), with indexes. Loop thread only.
//
// Keys are views into the objects' own metadata, so an object costs one tree node here.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "client/object_key.h"

namespace tiphys::client {

class ObjectStore {
 public:
  using IndexFunction = std::function<std::vector<std::string>(const Object& object)>;

  // Nothing happens if the name was added before.
  void add_index(std::string name, IndexFunction function);
  // Puts an object in; the one it replaces, or null.
  ObjectPtr put(ObjectPtr object);
  // Takes an object out; null if there was none.
  ObjectPtr erase(std::string_view ns, std::string_view name);
  ObjectPtr get(std::string_view ns, std::string_view name) const;
  std::vector<ObjectPtr> list(std::string_view ns) const;
  std::vector<ObjectPtr> by_index(std::string_view index, std::string_view key) const;
  size_t size() const { return objects_.size(); }

 private:
  using Key = std::pair<std::string_view, std::string_view>;
  using Objects = std::map<Key, ObjectPtr>;
  struct Index {
    IndexFunction function;
    std::unordered_map<std::string, Objects> found;
  };
  static Key key_of(const Object& object);
  void unindex(const ObjectPtr& object);
  void index(const ObjectPtr& object);

  Objects objects_;
  std::map<std::string, Index, std::less<>> indexes_;
};

}  // namespace tiphys::client
