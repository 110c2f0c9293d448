#include "apiserver/patch/strategic_order.h"

#include <algorithm>
#include <vector>

namespace tiphys::apiserver {
namespace {

const Value& key_of(const Value& item, std::string_view merge_key) {
  if (merge_key.empty()) return item;
  return item.type == ValueType::kMap ? item.node->find(merge_key) : kNullValue;
}

int index_in(const Node& list, const Value& item, std::string_view merge_key) {
  const Value& key = key_of(item, merge_key);
  for (uint32_t i = 0; i < list.size; ++i) {
    if (equal(key_of(list.data[i], merge_key), key)) return static_cast<int>(i);
  }
  return -1;
}

// Those found in `order` first, in its order; the rest after them, as they were.
void sort_as(std::vector<Value>& items, const Node& order, std::string_view merge_key) {
  std::vector<std::pair<size_t, Value>> ranked;
  for (const Value& item : items) {
    int at = index_in(order, item, merge_key);
    ranked.emplace_back(at >= 0 ? static_cast<size_t>(at) : order.size + ranked.size(), item);
  }
  std::sort(ranked.begin(), ranked.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  for (size_t i = 0; i < items.size(); ++i) items[i] = ranked[i].second;
}

}  // namespace

Value order_elements(Value merged, Value order, Value server, std::string_view merge_key,
                     Arena& arena) {
  std::vector<Value> patched;
  std::vector<Value> kept;
  for (const Value& item : merged.node->items()) {
    (index_in(*order.node, item, merge_key) >= 0 ? patched : kept).push_back(item);
  }
  sort_as(patched, *order.node, merge_key);
  sort_as(kept, *server.node, merge_key);
  Value result = arena.make(ValueType::kList, merged.node->size);
  size_t i = 0;
  size_t j = 0;
  while (i < kept.size() || j < patched.size()) {
    bool take_kept = j == patched.size();
    if (!take_kept && i < kept.size()) {
      int left = index_in(*server.node, kept[i], merge_key);
      int right = index_in(*server.node, patched[j], merge_key);
      take_kept = left >= 0 && right >= 0 && left < right;
    }
    append(arena, *result.node, take_kept ? kept[i++] : patched[j++]);
  }
  return result;
}

bool order_covers(const Node& patch, const Node& order, std::string_view merge_key) {
  int last = -1;
  for (const Value& item : patch.items()) {
    if (item.type == ValueType::kMap && !item.node->find("$patch").is_null()) continue;
    int at = index_in(order, item, merge_key);
    if (at < 0 || at < last) return false;
    last = at;
  }
  return true;
}

}  // namespace tiphys::apiserver
