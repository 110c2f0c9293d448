#include "storage/mvcc/key_index.h"

namespace tiphys::storage::mvcc {

KeyState advance(const KeyState* before, const Row& row) {
  KeyState state;
  state.row = row.id;
  state.previous = row.previous;
  state.created = row.created;
  state.version = row.version;
  state.lease = row.lease;
  bool begins = row.version == 1;
  state.origin = begins ? row.previous : before ? before->origin : 0;
  return state;
}

Presence presence_at(const KeyState& state, Revision at) {
  if (state.revision() <= at) return state.deleted() ? Presence::kAbsent : Presence::kPresent;
  if (state.created <= at) return Presence::kPresent;
  return state.origin == 0 ? Presence::kAbsent : Presence::kUnknown;
}

const KeyState* KeyIndex::find(std::string_view key) const { return keys_.find(key); }

void KeyIndex::apply(const Row& row) {
  auto [it, added] = keys_.try_emplace(row.key);
  it->second = advance(added ? nullptr : &it->second, row);
  if (row.deletion()) deletions_.emplace_back(row.id, it);
}

void KeyIndex::compact(Revision revision) {
  while (!deletions_.empty() && revision_of(deletions_.front().first) < revision) {
    auto [id, it] = deletions_.front();
    deletions_.pop_front();
    // A key that came back has a newer row; its iterator is still good: only its last deletion
    // erases it.
    if (it->second.row == id) keys_.erase(it);
  }
}

}  // namespace tiphys::storage::mvcc
