#include <algorithm>
#include <tuple>

#include "object/value.h"

namespace tiphys {

const Value kNullValue;
const Node kEmptyNode;

namespace {

// Position of the first field with an index of at least `index`.
uint32_t lower_field(const Node& node, uint16_t index) {
  uint32_t low = 0;
  // A field's position never exceeds its index.
  uint32_t high = std::min<uint32_t>(node.size, index + 1u);
  while (low < high) {
    uint32_t middle = (low + high) / 2;
    if (node.data[middle].field < index) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

// Entry number of the first key not less than `key`.
uint32_t lower_key(const Node& map, std::string_view key) {
  uint32_t low = 0;
  uint32_t high = map.size / 2;
  while (low < high) {
    uint32_t middle = (low + high) / 2;
    if (map.data[middle * 2].as_text() < key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

void reserve(Arena& arena, Node& node, uint32_t needed) {
  if (needed <= node.capacity) return;
  uint32_t capacity = std::max<uint32_t>({4, node.capacity * 2, needed});
  auto* data = static_cast<Value*>(arena.allocate(capacity * sizeof(Value)));
  if (node.size > 0) memcpy(static_cast<void*>(data), node.data, node.size * sizeof(Value));
  node.data = data;
  node.capacity = capacity;
}

void open_gap(Arena& arena, Node& node, uint32_t position, uint32_t count) {
  reserve(arena, node, node.size + count);
  memmove(static_cast<void*>(node.data + position + count), node.data + position,
          (node.size - position) * sizeof(Value));
  node.size += count;
}

void close_gap(Node& node, uint32_t position, uint32_t count) {
  memmove(static_cast<void*>(node.data + position), node.data + position + count,
          (node.size - position - count) * sizeof(Value));
  node.size -= count;
}

}  // namespace

const Value& Node::field(uint16_t index) const {
  uint32_t at = lower_field(*this, index);
  return at < size && data[at].field == index ? data[at] : kNullValue;
}

const Value& Node::find(std::string_view key) const {
  uint32_t at = lower_key(*this, key);
  return at < size / 2 && data[at * 2].as_text() == key ? data[at * 2 + 1] : kNullValue;
}

void set_field(Arena& arena, Node& node, uint16_t index, Value value) {
  value.field = index;
  uint32_t at = lower_field(node, index);
  bool found = at < node.size && node.data[at].field == index;
  if (value.is_null()) {
    if (found) close_gap(node, at, 1);
    return;
  }
  if (!found) open_gap(arena, node, at, 1);
  node.data[at] = value;
}

Node& ensure_node(Arena& arena, Node& node, uint16_t index, ValueType type) {
  const Value& there = node.field(index);
  if (there.type == type) return *there.node;
  Value made = arena.make(type);
  set_field(arena, node, index, made);
  return *made.node;
}

void append(Arena& arena, Node& list, Value value) {
  reserve(arena, list, list.size + 1);
  list.data[list.size++] = value;
}

void erase_item(Node& list, uint32_t position) { close_gap(list, position, 1); }

void insert_item(Arena& arena, Node& list, uint32_t position, Value value) {
  open_gap(arena, list, position, 1);
  list.data[position] = value;
}

void set_entry(Arena& arena, Node& map, std::string_view key, Value value) {
  value.field = 0;
  uint32_t at = lower_key(map, key);
  bool found = at < map.size / 2 && map.data[at * 2].as_text() == key;
  if (value.is_null()) {
    if (found) close_gap(map, at * 2, 2);
    return;
  }
  if (!found) {
    Value name = arena.string(key);
    open_gap(arena, map, at * 2, 2);
    map.data[at * 2] = name;
  }
  map.data[at * 2 + 1] = value;
}

bool sort_map(Node& map) {
  struct Entry {
    Value key;
    Value value;
  };
  auto* begin = reinterpret_cast<Entry*>(map.data);
  auto* end = begin + map.size / 2;
  auto less = [](const Entry& a, const Entry& b) { return a.key.as_text() < b.key.as_text(); };
  auto not_less = [&](const Entry& a, const Entry& b) { return !less(a, b); };
  if (std::adjacent_find(begin, end, not_less) == end) return true;
  uint32_t order = 0;  // the keys' places in the input, kept where lists and maps have no field
  for (auto* at = begin; at != end; ++at, ++order) {
    at->key.field = static_cast<uint16_t>(order);
    at->key.unused = static_cast<uint8_t>(order >> 16);
  }
  std::sort(begin, end, [](const Entry& a, const Entry& b) {
    int compared = a.key.as_text().compare(b.key.as_text());
    if (compared != 0) return compared < 0;
    return std::tie(a.key.unused, a.key.field) < std::tie(b.key.unused, b.key.field);
  });
  auto* kept = begin;
  for (auto* at = begin; at != end; ++at) {
    at->key.field = 0;
    at->key.unused = 0;
    if (at + 1 != end && !less(at[0], at[1])) continue;
    *kept++ = *at;
  }
  bool unique = kept == end;
  map.size = static_cast<uint32_t>(kept - begin) * 2;
  return unique;
}

bool equal(const Value& a, const Value& b) {
  if (a.type != b.type) return false;
  if (a.type == ValueType::kDouble) return a.d == b.d;
  if (a.is_text()) return a.as_text() == b.as_text();
  if (!a.is_node()) return a.is_null() || a.i == b.i;
  const Node& x = *a.node;
  const Node& y = *b.node;
  if (&x == &y) return true;
  if (x.size != y.size) return false;
  for (uint32_t i = 0; i < x.size; ++i) {
    if (x.data[i].field != y.data[i].field || !equal(x.data[i], y.data[i])) return false;
  }
  return true;
}

}  // namespace tiphys
