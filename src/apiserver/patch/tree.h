// Edits of untyped JSON trees (kMap, kList, scalars) under construction: what the patches share.
// Maps are sorted by key, as decoders leave them.
#pragma once
#include <string_view>

#include "object/value.h"

namespace tiphys::apiserver {

// Where the key stands among the map's values, or would.
inline uint32_t entry_position(const Node& map, std::string_view key) {
  uint32_t low = 0;
  uint32_t high = map.size / 2;
  while (low < high) {
    uint32_t middle = (low + high) / 2;
    if (map.data[2 * middle].as_text() < key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return 2 * low;
}

// The value under key, or null pointer. Valid until the map is edited.
inline Value* find_entry(Node& map, std::string_view key) {
  uint32_t at = entry_position(map, key);
  return at + 1 < map.size && map.data[at].as_text() == key ? &map.data[at + 1] : nullptr;
}

inline void erase_entry(Node& map, std::string_view key) {
  if (!find_entry(map, key)) return;
  uint32_t at = entry_position(map, key);
  erase_item(map, at + 1);
  erase_item(map, at);
}

// Sets, also to JSON null. Moves what follows: to set many entries, see merge_entries.
inline void put_entry(Arena& arena, Node& map, std::string_view key, Value value) {
  if (Value* there = find_entry(map, key)) {
    *there = value;
    return;
  }
  uint32_t at = entry_position(map, key);
  insert_item(arena, map, at, arena.string(key));
  insert_item(arena, map, at + 1, value);
}

// A map of the entries of both, which have no key in common, without those that are null.
inline Value merge_entries(Arena& arena, const Node& left, const Node& right) {
  Value merged = arena.make(ValueType::kMap, left.size + right.size);
  uint32_t i = 0;
  uint32_t j = 0;
  while (i < left.size || j < right.size) {
    bool from_left =
        j >= right.size || (i < left.size && left.data[i].as_text() < right.data[j].as_text());
    const Node& from = from_left ? left : right;
    uint32_t& at = from_left ? i : j;
    if (!from.data[at + 1].is_null()) {
      append(arena, *merged.node, from.data[at]);
      append(arena, *merged.node, from.data[at + 1]);
    }
    at += 2;
  }
  return merged;
}

}  // namespace tiphys::apiserver
