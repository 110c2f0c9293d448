#include "main/config_overlay.h"

#include "base/strings.h"

namespace tiphys {

void put_path(Arena& arena, Node* node, std::string_view path, Value value) {
  std::vector<std::string_view> parts = split(path, '.');
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    if (node->find(parts[i]).is_null()) {
      set_entry(arena, *node, parts[i], arena.make(ValueType::kMap));
    }
    node = node->find(parts[i]).node;
  }
  set_entry(arena, *node, parts.back(), value);
}

}  // namespace tiphys
