// HashedMap<V>: a map by text, in key order, that finds a key by its hash: for many long keys that
// begin alike, where a walk down a tree compares the same bytes again and again. An entry costs one
// hash node (56 bytes) more than in std::map. A value's address stays while it is in the map.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace tiphys {

template <class V>
class HashedMap {
 public:
  using Map = std::map<std::string, V, std::less<>>;
  using iterator = typename Map::iterator;

  HashedMap() = default;
  HashedMap(HashedMap&&) noexcept = default;
  HashedMap& operator=(HashedMap&&) noexcept = default;

  // In key order.
  const Map& ordered() const { return map_; }
  size_t size() const { return map_.size(); }

  V* find(std::string_view key) {
    auto found = by_hash_.find(key);
    return found == by_hash_.end() ? nullptr : &found->second->second;
  }
  const V* find(std::string_view key) const { return const_cast<HashedMap*>(this)->find(key); }
  // The entry of the key, made if there was none (second: true).
  std::pair<iterator, bool> try_emplace(std::string_view key) {
    auto found = by_hash_.find(key);
    if (found != by_hash_.end()) return {found->second, false};
    iterator made = map_.try_emplace(std::string(key)).first;
    by_hash_.emplace(made->first, made);
    return {made, true};
  }
  void put(std::string_view key, V value) { try_emplace(key).first->second = std::move(value); }
  void erase(iterator entry) {
    by_hash_.erase(entry->first);
    map_.erase(entry);
  }
  void erase(std::string_view key) {
    auto found = by_hash_.find(key);
    if (found != by_hash_.end()) erase(found->second);
  }
  void clear() {
    by_hash_.clear();
    map_.clear();
  }

 private:
  Map map_;
  std::unordered_map<std::string_view, iterator> by_hash_;  // views of the map's own keys
};

}  // namespace tiphys
