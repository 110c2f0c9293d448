// Row: one change of one key, the unit that the engines keep. A row's id holds its revision and its
// position in the transaction, so ids order all changes and are never reused.
#pragma once
#include "storage/store.h"

namespace tiphys::storage::mvcc {

using RowId = int64_t;  // 0: none
inline constexpr int kPositionBits = 16;
inline constexpr int64_t kMaxTxnRows = (int64_t{1} << kPositionBits) - 1;

constexpr RowId row_id(Revision revision, int64_t position = 0) {
  return (revision << kPositionBits) | position;
}
constexpr Revision revision_of(RowId id) { return id >> kPositionBits; }

struct Row {
  RowId id = 0;
  RowId previous = 0;  // the key's row before this one, if it ever had one (may be compacted)
  std::string key;
  Bytes value;           // null: a deletion
  Revision created = 0;  // of the generation that this row belongs to or ends
  int64_t version = 0;   // 0: a deletion
  LeaseId lease = 0;
  std::shared_ptr<const void> attachment;  // never persisted

  bool deletion() const { return version == 0; }
};

inline KeyValue to_key_value(const Row& row) {
  return {row.key,     row.value, row.created,   revision_of(row.id),
          row.version, row.lease, row.attachment};
}

}  // namespace tiphys::storage::mvcc
