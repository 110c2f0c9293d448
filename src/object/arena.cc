#include <algorithm>

#include "object/value.h"

namespace tiphys {
namespace {
constexpr size_t kFirstBlock = 2048;
constexpr size_t kLargestBlock = 256 * 1024;
}  // namespace

void* Arena::allocate(size_t bytes) {
  bytes = (bytes + 7) & ~size_t{7};
  if (bytes > left_) {
    size_t grown = kFirstBlock << std::min<size_t>(blocks_.size(), 7);
    size_t size = std::max(std::min(grown, kLargestBlock), bytes);
    blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(size));
    bytes_ += size;
    if (size - bytes < left_) return blocks_.back().get();  // keep filling the older block
    next_ = blocks_.back().get();
    left_ = size;
  }
  void* at = next_;
  next_ += bytes;
  left_ -= bytes;
  return at;
}

std::string_view Arena::copy(std::string_view text) {
  if (text.empty()) return {"", 0};
  auto* at = static_cast<char*>(allocate(text.size()));
  memcpy(at, text.data(), text.size());
  return {at, text.size()};
}

Node* Arena::make_node(uint32_t capacity) {
  auto* node = new (allocate(sizeof(Node))) Node();
  if (capacity > 0) {
    node->data = static_cast<Value*>(allocate(capacity * sizeof(Value)));
    node->capacity = capacity;
  }
  return node;
}

Value Arena::clone(const Value& value) {
  Value copied = value;
  if (value.is_text()) {
    copied.s = copy(value.as_text()).data();
  } else if (value.is_node()) {
    const Node& from = *value.node;
    copied.node = make_node(from.size);
    for (const Value& item : from.items()) copied.node->data[copied.node->size++] = clone(item);
  }
  return copied;
}

}  // namespace tiphys
