#include "apiserver/patch/merge_patch.h"

#include "apiserver/patch/tree.h"

namespace tiphys::apiserver {

Value apply_merge_patch(Value document, Value patch, Arena& arena) {
  if (patch.type != ValueType::kMap) return patch;
  if (document.type != ValueType::kMap) document = arena.make(ValueType::kMap);
  const Node& changes = *patch.node;
  for (uint32_t i = 0; i + 1 < changes.size; i += 2) {
    std::string_view key = changes.data[i].as_text();
    Value change = changes.data[i + 1];
    if (change.is_null()) {
      erase_entry(*document.node, key);
      continue;
    }
    Value* there = find_entry(*document.node, key);
    Value merged = apply_merge_patch(there ? *there : Value(), change, arena);
    put_entry(arena, *document.node, key, merged);
  }
  return document;
}

}  // namespace tiphys::apiserver
