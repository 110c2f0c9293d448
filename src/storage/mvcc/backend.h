// Backend: where rows, leases and the compaction mark are kept. MvccStore has the logic; a backend
// only writes in order and reads back.
//
// All methods and callbacks are for the loop's thread; what blocks happens on the backend's own.
#pragma once
#include <coroutine>

#include "storage/mvcc/lease_table.h"
#include "storage/mvcc/row.h"

namespace tiphys::storage::mvcc {

// One atomic write. Requests become durable in the order they are given; several may share one
// commit. An empty one is a barrier.
struct WriteRequest {
  // Requests build on the ones before, so a failure also fails all later ones of its epoch; the
  // store then starts a new epoch from what is durable.
  uint64_t epoch = 0;
  std::vector<Row> rows;
  std::optional<LeaseRecord> grant;
  LeaseId revoke = 0;
  Revision compact = 0;  // history before this may be deleted from now on
  // For the store: who waits.
  std::coroutine_handle<> waiter;
  std::unique_ptr<WriteRequest>* home = nullptr;
  std::optional<ApiStatus> error;
};
using WriteRequests = std::vector<std::unique_ptr<WriteRequest>>;

class WriteListener {
 public:
  virtual ~WriteListener() = default;
  // The requests are durable, or failed with the error, all of them. In order of write().
  virtual void written(WriteRequests done, std::optional<ApiStatus> error) = 0;
};

struct RowQuery {
  RowId row = 0;    // start here...
  Revision at = 0;  // ...and go back to the newest row at or before this revision; 0: stay
};

// Rows of whole transactions, ascending, with the rows before them where wanted.
struct History {
  std::vector<Row> rows;
  std::vector<std::optional<Row>> previous;  // one a row; empty if not wanted
  Revision through = 0;                      // all rows up to and with this revision are included
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual void set_listener(WriteListener* listener) = 0;
  virtual void write(std::unique_ptr<WriteRequest> request) = 0;
  // One answer a query, in order; nothing where the row is gone.
  virtual Task<Result<std::vector<std::optional<Row>>>> read(std::vector<RowQuery> queries) = 0;
  // The first rows at or after `from`, up to `to`, a bounded number.
  virtual Task<Result<History>> history(Revision from, Revision to, bool with_previous) = 0;
  // Requires: no write or read in progress.
  virtual Task<void> stop() = 0;
};

// What a backend held when it was opened.
struct Recovered {
  Revision revision = 1;   // the newest
  Revision compacted = 0;  // the mark
  std::vector<LeaseRecord> leases;
};

inline constexpr size_t kHistoryRows = 1'000;             // of one History, about
inline constexpr size_t kHistoryBytes = 2 * 1024 * 1024;  // likewise, values

}  // namespace tiphys::storage::mvcc
