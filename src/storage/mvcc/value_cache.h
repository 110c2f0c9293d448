// ValueCache: values of rows lately written or read, within a byte budget; the oldest leave first.
// Pure; one thread.
#pragma once
#include <deque>
#include <unordered_map>

#include "storage/mvcc/row.h"

namespace tiphys::storage::mvcc {

class ValueCache {
 public:
  explicit ValueCache(size_t max_bytes) : max_bytes_(max_bytes) {}
  Bytes find(RowId row) const {
    auto it = values_.find(row);
    return it == values_.end() ? nullptr : it->second;
  }
  void add(RowId row, const Bytes& value) {
    if (!value || cost(value) > max_bytes_ || !values_.emplace(row, value).second) return;
    order_.push_back(row);
    bytes_ += cost(value);
    while (bytes_ > max_bytes_) drop_oldest();
  }
  size_t bytes() const { return bytes_; }

 private:
  static size_t cost(const Bytes& value) { return value->size() + 100; }  // with its bookkeeping
  void drop_oldest() {
    auto it = values_.find(order_.front());
    order_.pop_front();
    bytes_ -= cost(it->second);
    values_.erase(it);
  }
  size_t max_bytes_;
  size_t bytes_ = 0;
  std::unordered_map<RowId, Bytes> values_;
  std::deque<RowId> order_;
};

}  // namespace tiphys::storage::mvcc
