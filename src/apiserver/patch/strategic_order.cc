#include "apiserver/patch/strategic_order.h"

#include <algorithm>
#include <vector>

#include "codec/codec.h"

namespace tiphys::apiserver {

KeyIndex::KeyIndex(const Node& list, std::string_view merge_key) : merge_key_(merge_key) {
  for (uint32_t i = 0; i < list.size; ++i) add(list.data[i], static_cast<int>(i));
}

std::string KeyIndex::key_text(const Value& item) const {
  const Value* key = &item;
  if (!merge_key_.empty()) {
    key = item.type == ValueType::kMap ? &item.node->find(merge_key_) : &kNullValue;
  }
  std::string text;
  codec::encode_json_any(*key, text);
  return text;
}

int KeyIndex::find(const Value& item) const {
  auto at = positions_.find(key_text(item));
  return at == positions_.end() ? -1 : at->second;
}

void KeyIndex::add(const Value& item, int position) {
  positions_.emplace(key_text(item), position);
}

namespace {

// Those found in `order` first, in its order; the rest after them, as they were.
void sort_as(std::vector<Value>& items, const KeyIndex& order, size_t size) {
  std::vector<std::pair<size_t, size_t>> ranks;  // and where the item stood
  for (size_t i = 0; i < items.size(); ++i) {
    int at = order.find(items[i]);
    ranks.emplace_back(at >= 0 ? static_cast<size_t>(at) : size + i, i);
  }
  std::sort(ranks.begin(), ranks.end());
  std::vector<Value> sorted;
  for (const auto& [rank, at] : ranks) sorted.push_back(items[at]);
  items = std::move(sorted);
}

}  // namespace

Value order_elements(Value merged, Value order, Value server, std::string_view merge_key,
                     Arena& arena) {
  KeyIndex in_order(*order.node, merge_key);
  KeyIndex in_server(*server.node, merge_key);
  std::vector<Value> patched;
  std::vector<Value> kept;
  for (const Value& item : merged.node->items()) {
    (in_order.find(item) >= 0 ? patched : kept).push_back(item);
  }
  sort_as(patched, in_order, order.node->size);
  sort_as(kept, in_server, server.node->size);
  Value result = arena.make(ValueType::kList, merged.node->size);
  size_t i = 0;
  size_t j = 0;
  while (i < kept.size() || j < patched.size()) {
    bool take_kept = j == patched.size();
    if (!take_kept && i < kept.size()) {
      int left = in_server.find(kept[i]);
      int right = in_server.find(patched[j]);
      take_kept = left >= 0 && right >= 0 && left < right;
    }
    append(arena, *result.node, take_kept ? kept[i++] : patched[j++]);
  }
  return result;
}

bool order_covers(const Node& patch, const Node& order, std::string_view merge_key) {
  KeyIndex in_order(order, merge_key);
  int last = -1;
  for (const Value& item : patch.items()) {
    if (item.type == ValueType::kMap && !item.node->find("$patch").is_null()) continue;
    int at = in_order.find(item);
    if (at <= last) return false;
    last = at;
  }
  return true;
}

}  // namespace tiphys::apiserver
