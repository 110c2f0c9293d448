// Edits of untyped JSON trees (kMap, kList, scalars) under construction: what the patches share.
#pragma once
#include <string_view>

#include "object/value.h"

namespace tiphys::apiserver {

// The value under key, or null pointer. Valid until the map is edited.
inline Value* find_entry(Node& map, std::string_view key) {
  for (uint32_t i = 0; i + 1 < map.size; i += 2) {
    if (map.data[i].as_text() == key) return &map.data[i + 1];
  }
  return nullptr;
}

inline void erase_entry(Node& map, std::string_view key) {
  for (uint32_t i = 0; i + 1 < map.size; i += 2) {
    if (map.data[i].as_text() != key) continue;
    erase_item(map, i + 1);
    erase_item(map, i);
    return;
  }
}

// Sets, also to JSON null.
inline void put_entry(Arena& arena, Node& map, std::string_view key, Value value) {
  if (Value* there = find_entry(map, key)) {
    *there = value;
    return;
  }
  uint32_t at = 0;
  while (at < map.size && map.data[at].as_text() < key) at += 2;
  insert_item(arena, map, at, arena.string(key));
  insert_item(arena, map, at + 1, value);
}

}  // namespace tiphys::apiserver
