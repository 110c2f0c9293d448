#include "apiserver/patch/merge_patch.h"

#include "apiserver/patch/tree.h"

namespace tiphys::apiserver {
namespace {

// What is new has no nulls in its objects, in those of its lists neither.
Value without_nulls(Value value, Arena& arena) {
  if (value.type == ValueType::kList) {
    for (uint32_t i = 0; i < value.node->size; ++i) {
      value.node->data[i] = without_nulls(value.node->data[i], arena);
    }
  }
  if (value.type != ValueType::kMap) return value;
  Value clean = arena.make(ValueType::kMap, value.node->size);
  for (uint32_t i = 0; i + 1 < value.node->size; i += 2) {
    if (value.node->data[i + 1].is_null()) continue;
    append(arena, *clean.node, value.node->data[i]);
    append(arena, *clean.node, without_nulls(value.node->data[i + 1], arena));
  }
  return clean;
}

}  // namespace

Value apply_merge_patch(Value document, Value patch, Arena& arena) {
  if (patch.type != ValueType::kMap || document.type != ValueType::kMap) {
    return without_nulls(patch, arena);
  }
  const Node& changes = *patch.node;
  Value added = arena.make(ValueType::kMap);
  for (uint32_t i = 0; i + 1 < changes.size; i += 2) {
    Value change = changes.data[i + 1];
    Value* there = find_entry(*document.node, changes.data[i].as_text());
    if (there) {
      *there = change.is_null() ? change : apply_merge_patch(*there, change, arena);
      continue;
    }
    append(arena, *added.node, changes.data[i]);
    append(arena, *added.node, without_nulls(change, arena));
  }
  return merge_entries(arena, *document.node, *added.node);
}

}  // namespace tiphys::apiserver
