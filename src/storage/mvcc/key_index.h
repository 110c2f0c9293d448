// KeyIndex: every key with its newest row, in key order; deleted keys stay until compaction passes
// their deletion, so that older states can be found. Pure; one thread.
#pragma once
#include <deque>

#include "base/hashed_map.h"
#include "storage/mvcc/row.h"

namespace tiphys::storage::mvcc {

struct KeyState {
  RowId row = 0;
  RowId previous = 0;    // the row before it
  RowId origin = 0;      // the row before this generation (a deletion), 0: the key was never there
  Revision created = 0;  // of this generation
  int64_t version = 0;   // 0: deleted
  LeaseId lease = 0;

  bool deleted() const { return version == 0; }
  Revision revision() const { return revision_of(row); }
};

// What the key's state is after a row. `before`: null if the key is unknown.
KeyState advance(const KeyState* before, const Row& row);

// Whether a key with this newest state was present at an older revision. kUnknown: only the rows
// before `origin` can tell.
enum class Presence : uint8_t { kAbsent, kPresent, kUnknown };
Presence presence_at(const KeyState& state, Revision at);

class KeyIndex {
 public:
  using Map = HashedMap<KeyState>;

  // Null: unknown. Deleted keys are found until compacted.
  const KeyState* find(std::string_view key) const;
  // Rows must come in id order.
  void apply(const Row& row);
  // Forgets keys deleted before this revision.
  void compact(Revision revision);
  // Calls fn(key, state) for keys with the prefix from `from` on, deleted ones too, until it
  // returns false.
  template <class Fn>
  void scan(std::string_view prefix, std::string_view from, Fn fn) const {
    const auto& keys = keys_.ordered();
    for (auto it = keys.lower_bound(std::max(prefix, from)); it != keys.end(); ++it) {
      if (!it->first.starts_with(prefix) || !fn(it->first, it->second)) return;
    }
  }
  size_t size() const { return keys_.size(); }  // deleted ones included

 private:
  Map keys_;
  std::deque<std::pair<RowId, Map::iterator>> deletions_;  // in id order
};

}  // namespace tiphys::storage::mvcc
